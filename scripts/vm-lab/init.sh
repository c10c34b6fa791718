#!/bin/sh
# The first process of a VM of the lab: a gateway, and a host of its site in a network namespace. The kernel's command
# line says which site (`site=a`). Then it serves a shell on the second serial port, a command a line.
export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmpfs /run
for module in virtio_pci virtio_net tun veth nf_tables nft_ct nft_fib_inet; do modprobe "$module"; done

case "$(cat /proc/cmdline)" in
  *site=a*) site=a wan=203.0.113.1 inside=10.0.1.1 host=10.0.1.5 ;;
  *) site=b wan=203.0.113.2 inside=10.0.2.1 host=10.0.2.7 ;;
esac
device=$(basename /sys/class/net/e*)
ip link set lo up
ip link set "$device" name wan
ip address add "$wan/24" dev wan
ip link set wan up
ip netns add host
ip link add inside type veth peer name eth0 netns host
ip address add "$inside/24" dev inside
ip link set inside up
ip -n host link set lo up
ip -n host address add "$host/24" dev eth0
ip -n host link set eth0 up
ip -n host route add default via "$inside"
echo 1 > /proc/sys/net/ipv4/ip_forward
ip netns exec host iperf3 --server --daemon

mkdir -p -m 700 /var/lib/isthmus
isthmus run -c "/etc/isthmus/site-$site.yaml" > /run/gateway.log 2>&1 &
echo $! > /run/gateway.pid

# Each line is a command; its output ends with a line of its exit code.
stty -F /dev/ttyS1 raw -echo
exec 3<> /dev/ttyS1
echo ready >&3
while read -r command <&3; do
  sh -c "$command" > /run/answer 2>&1 < /dev/null
  code=$?
  { cat /run/answer; echo "exit $code"; } >&3
done
