// Completion for bash, and for zsh, which can do what bash does: one function, with a table of words made from the commands.

import { completeArgument, completeValue, type Completed } from './completed-words.ts';
import type { DescribedCommand } from './described-command.ts';

export function bashCompletion(commands: readonly DescribedCommand[]): string {
  const paths = commands.flatMap(({ path }) => (path === '' ? [] : [`'${path}'`]));
  const takesValue = new Set(
    commands.flatMap(({ path, options }) =>
      options.flatMap(({ names, value }) =>
        value === undefined ? [] : names.map((name) => `'${path}:${name}'`),
      ),
    ),
  );
  const values = commands.flatMap(({ path, options }) =>
    options.flatMap((option) =>
      option.value === undefined
        ? []
        : [
            entry(
              option.names.map((name) => `${path}:${name}`),
              completeValue(option),
            ),
          ],
    ),
  );
  const positions = commands.flatMap(({ path, args, below }) => [
    ...args.map((one, at) => entry([`${path}:${one.isVariadic ? '*' : at}`], completeArgument(one))),
    ...(below.length === 0 ? [] : [entry([`${path}:0`], { words: below, names: undefined, files: false })]),
  ]);
  const options = commands.map(
    ({ path, options: all }) =>
      `    '${path}') list='${all.flatMap(({ names }) => names.filter((name) => name.startsWith('--'))).join(' ')}' ;;`,
  );
  return `# Completion of isthmus for bash and zsh, made by isthmus completion.
_isthmus() {
  local cur=\${COMP_WORDS[COMP_CWORD]} before='' cmd='' list='' kind='' files='' pos=0 i w
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    w=\${COMP_WORDS[i]}
    before=''
    case "$cmd:$w" in
      ${[...takesValue].join(' | ')}) before=$w; i=$((i + 1)); continue ;;
      *:-*) continue ;;
    esac
    if [[ $pos -eq 0 ]]; then
      case "\${cmd:+$cmd }$w" in
        ${paths.join(' | ')}) cmd="\${cmd:+$cmd }$w"; continue ;;
      esac
    fi
    pos=$((pos + 1))
  done
  # Past the word to complete: it is the value of the option before it.
  if [[ $i -gt $COMP_CWORD && -n $before ]]; then
    case "$cmd:$before" in
${values.join('\n')}
    esac
  elif [[ $cur == -* ]]; then
    case $cmd in
${options.join('\n')}
    esac
  else
    case "$cmd:$pos" in
${positions.join('\n')}
    esac
  fi
  if [[ -n $kind ]]; then list=$(isthmus names "$kind" 2>/dev/null); fi
  if [[ -n $files ]]; then COMPREPLY=($(compgen -f -- "$cur")); else COMPREPLY=($(compgen -W "$list" -- "$cur")); fi
}

if [[ -n \${ZSH_VERSION-} ]]; then autoload -U +X bashcompinit && bashcompinit; fi
complete -o filenames -F _isthmus isthmus
`;
}

/** A line of a \`case\`. */
function entry(labels: readonly string[], { words, names, files }: Completed): string {
  const sets = [
    ...(words.length > 0 ? [`list='${words.join(' ')}'`] : []),
    ...(names === undefined ? [] : [`kind=${names}`]),
    ...(files ? ['files=yes'] : []),
  ];
  // A star is a pattern, and not quoted.
  const patterns = labels.map((label) => (label.endsWith('*') ? `'${label.slice(0, -1)}'*` : `'${label}'`));
  return `    ${patterns.join(' | ')}) ${sets.join('; ') || ':'} ;;`;
}
