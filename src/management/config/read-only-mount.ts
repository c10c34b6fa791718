// Whether a file lies on a read-only mount, from the texts of proc(5): Node's statfs gives no mount flags.

/** The mount of an open file, from `/proc/self/fdinfo/FD`; undefined where the kernel does not say. */
export function mountIdOf(fdinfo: string): string | undefined {
  return /^mnt_id:\s*(\d+)$/m.exec(fdinfo)?.[1];
}

/** Reads `/proc/self/mountinfo`; either the mount or the file system below it may be read-only. */
export function isReadOnlyMount(mountinfo: string, mountId: string | undefined): boolean {
  const line = mountinfo.split('\n').find((text) => text.split(' ', 1)[0] === mountId);
  if (line === undefined) return false;
  const [mount = '', fileSystem = ''] = line.split(' - ');
  const mountOptions = mount.split(' ')[5] ?? '';
  const superOptions = fileSystem.split(' ')[2] ?? '';
  return [mountOptions, superOptions].some((options) => options.split(',').includes('ro'));
}
