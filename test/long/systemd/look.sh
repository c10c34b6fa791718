#!/bin/sh
# Runs as a service beside isthmus.service: site A is this machine, and site B a network namespace of it. Writes what it
# sees to /seen, a line each, and turns the machine off.
exec > /seen 2> /complaints

until_holds() { # a command, tried for a minute
  tries=0
  until "$@"; do
    tries=$((tries + 1))
    [ "$tries" -lt 240 ] || return 1
    sleep 0.25
  done
}
answers() { ping -c 1 -W 1 -I 10.0.1.5 10.0.2.7 > /dev/null; }
is_open() { isthmus status > /dev/null; }
received() { ping -c 5 -i 0.2 -W 5 -I 10.0.1.5 10.0.2.7 | sed -n 's/.* \([0-9]*\) received.*/\1/p'; }
main_pid() { systemctl show --property MainPID --value isthmus; }
said() { journalctl --unit isthmus --output cat | grep -c "$1"; }

ip netns add far
ip link add wan type veth peer name wan netns far
ip address add 203.0.113.1/24 dev wan
ip address add 10.0.1.5/24 dev lo
ip link set wan up
ip -n far address add 203.0.113.2/24 dev wan
ip -n far address add 10.0.2.7/24 dev lo
ip -n far link set lo up
ip -n far link set wan up
chown -R isthmus: /etc/isthmus /keys
mkdir -p /run/far /var/lib/far
RUNTIME_DIRECTORY=/run/far STATE_DIRECTORY=/var/lib/far ip netns exec far isthmus run --user isthmus -c /etc/isthmus/site-b.yaml 2> /far.log &

systemctl start isthmus
until_holds answers
echo "start: $(received) of 5, $(systemctl is-active isthmus)"
status() { sed -n "s/^$1:\s*\([0-9a-f]*\).*/\1/p" "/proc/$(main_pid)/status"; }
echo "capabilities: $(status CapEff) of user $(id -nu "$(status Uid)")"
echo "switches that could not be set: $(said 'cannot be set')"
echo "refused: $(said 'keys of SAs may be swapped\|handshakes do not give way')"
echo "locked: $([ "$(status VmLck)" -ge 64 ] && echo keys)"

systemctl reload isthmus
reloaded() { [ "$(said 'configuration reloaded')" = 1 ]; }
until_holds reloaded
echo "reload: $(received) of 5"

before=$(main_pid)
kill -9 "$before"
restarted() { [ "$(main_pid)" != 0 ] && [ "$(main_pid)" != "$before" ] && is_open; }
until_holds restarted
until_holds answers
echo "after a kill: $(received) of 5"

systemctl stop isthmus
echo "stop: $(systemctl is-failed isthmus)"
answers && echo 'stop: packets pass without a gateway'

systemctl start isthmus-guard
echo "guard: $(systemctl is-active isthmus-guard), $(nft list tables | grep -c isthmus) table"
echo end
systemctl poweroff --no-block
