#!/usr/bin/env bash
# netlab.sh up|down|exec HOST CMD..|kill HOST|boot HOST|part HOST|heal HOST
#
# Hosts drv, head, w1, w2 on one machine: each has its own network, processes, /dev/shm, /tmp/ray, /run and home,
# and an sshd; the disk is shared, as by NFS. PID namespaces matter: `ray stop`, which start commands and
# `ray down` run, kills every Ray process it sees. Needs root, iproute2, openssh-server, rsync.
# NETLAB_DIR is where the lab keeps its files, NETLAB_KEEP folders (a:b) of the home that all hosts see,
# NETLAB_OWNER a process with which the lab ends.
set -euo pipefail
LAB=${NETLAB_DIR:?}; KEEP=${NETLAB_KEEP:-}; NET=10.77.0; HOSTS="drv:2 head:10 w1:11 w2:12"
NAME=lab$(printf %s "$LAB" | cksum | cut -d' ' -f1)  # namespaces of several labs do not meet

host_init() {  # inside the new namespaces
  local d=$LAB/hosts/$1
  mount --make-rprivate /
  mkdir -p "$d/home" "$d/ray"
  local keep
  for keep in ${KEEP//:/ }; do
    case $keep in "$HOME"/*)
      mkdir -p "$d/home/${keep#"$HOME"/}"; mount --bind "$keep" "$d/home/${keep#"$HOME"/}";;
    esac
  done
  mount --rbind "$d/home" "$HOME"
  mkdir -p /tmp/ray; mount --bind "$d/ray" /tmp/ray
  mount -t tmpfs -o size=1g tmpfs /dev/shm
  mount -t tmpfs tmpfs /run; mkdir -p /run/sshd
  mount --bind "$LAB/etc_hosts" /etc/hosts
  mount --bind "$LAB/resolv.conf" /etc/resolv.conf  # names that nobody resolves cost Ray ten seconds each
  hostname "$1"
  exec /usr/sbin/sshd -D -e -f "$LAB/sshd_config" -o PidFile=none >"$d/sshd.log" 2>&1
}

boot() {
  mkdir -p "$LAB/hosts/$1"
  ip netns exec "$NAME-$1" unshare --pid --fork --kill-child --mount --mount-proc --uts --ipc \
    bash "$0" _init "$1" </dev/null >"$LAB/hosts/$1/init.log" 2>&1 &
  echo $! >"$LAB/hosts/$1/pid"
}

first() { pgrep -P "$(cat "$LAB/hosts/$1/pid")"; }  # the host's process 1, as seen from outside

case ${1:-} in
up)
  mkdir -p "$LAB"
  for key in id hostkey; do [ -f "$LAB/$key" ] || ssh-keygen -q -t ed25519 -N '' -f "$LAB/$key"; done
  printf '%s\n' "HostKey $LAB/hostkey" "AuthorizedKeysFile $LAB/id.pub" "StrictModes no" "UsePAM no" \
    "PasswordAuthentication no" "PermitRootLogin prohibit-password" "MaxStartups 100" "MaxSessions 100" \
    >"$LAB/sshd_config"
  { echo "127.0.0.1 localhost"; for e in $HOSTS; do echo "$NET.${e##*:} ${e%%:*}"; done; } >"$LAB/etc_hosts"
  : >"$LAB/resolv.conf"
  ip netns add "$NAME-sw"
  ip -n "$NAME-sw" link add br0 type bridge; ip -n "$NAME-sw" link set br0 up
  for e in $HOSTS; do
    n=${e%%:*}
    ip netns add "$NAME-$n"
    ip -n "$NAME-sw" link add "v-$n" type veth peer name eth0 netns "$NAME-$n"
    ip -n "$NAME-sw" link set "v-$n" master br0 up
    ip -n "$NAME-$n" addr add "$NET.${e##*:}/24" dev eth0
    ip -n "$NAME-$n" link set lo up; ip -n "$NAME-$n" link set eth0 up
    ip -n "$NAME-$n" route add default via "$NET.1"  # nobody is there; without it Ray takes 127.0.0.1 as its address
    boot "$n"
  done
  if [ -n "${NETLAB_OWNER:-}" ]; then setsid bash "$0" _watch </dev/null >/dev/null 2>&1 & fi;;
_watch)
  while kill -0 "$NETLAB_OWNER" 2>/dev/null && [ -f "$LAB/hosts/head/pid" ]; do sleep 2; done
  bash "$0" down;;
_init) host_init "$2";;
boot) boot "$2";;
exec) n=$2; shift 2; exec nsenter -t "$(first "$n")" -a "$@";;
part) ip -n "$NAME-sw" link set "v-$2" down;;  # the cable is out: packets vanish
heal) ip -n "$NAME-sw" link set "v-$2" up;;
kill) kill -9 "$(first "$2")";;                # power off: the kernel kills every process of the host
down)
  for e in $HOSTS; do
    n=${e%%:*}
    if pid=$(cat "$LAB/hosts/$n/pid" 2>/dev/null); then
      kill -9 $(pgrep -P "$pid") "$pid" 2>/dev/null || true
    fi
    rm -f "$LAB/hosts/$n/pid"; ip netns del "$NAME-$n" 2>/dev/null || true
  done
  ip netns del "$NAME-sw" 2>/dev/null || true;;
*) sed -n 2p "$0"; exit 2;;
esac
