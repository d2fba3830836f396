# shellcheck shell=bash
# Starts, waits for and ends the processes of one cluster. usage: source processes.sh, with
#   D      the folder of the cluster: D/pids (name, id, birth of each process, oldest first), D/logs/NAME.log
#   ENTER  a command in front of each process (an array; empty for none)

# The moment a process was born, so that an id used again by the system is not taken for ours; nothing for a dead one.
born() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'; }

alive() { [ -n "$2" ] && [ "$(born "$1")" = "$2" ]; }

# running NAME
running() {
  local id birth
  while read -r _ id birth; do
    alive "$id" "$birth" && return 0
  done < <(grep "^$1 " "$D/pids")
  return 1
}

# start NAME CMD...
start() {
  local name=$1
  shift
  setsid "${ENTER[@]}" "$@" >"$D/logs/$name.log" 2>&1 </dev/null 9>&- &
  echo "$name $! $(born $!)" >>"$D/pids"
}

# Says what failed, shows the logs that tell why, and ends the script.
# fail NAME MESSAGE
fail() {
  local name=$1 other id birth suspects=("$1")
  echo "FAILED: $name: $2" >&2
  while read -r other id birth; do
    alive "$id" "$birth" || [ "$other" = "$name" ] || suspects+=("$other")
  done <"$D/pids"
  for other in "${suspects[@]}"; do
    [ -f "$D/logs/$other.log" ] || continue
    echo "--- last lines of $D/logs/$other.log" >&2
    tail -n 15 "$D/logs/$other.log" >&2
  done
  exit 1
}

# Waits until CMD succeeds; fails when the process NAME ends before, or the time is up.
# await NAME SECONDS CMD...
await() {
  local name=$1 seconds=$2 until=$((SECONDS + $2))
  shift 2
  while ! timeout 10 "$@" >/dev/null 2>&1; do
    running "$name" || fail "$name" 'ended by itself'
    [ $SECONDS -lt "$until" ] || fail "$name" "not ready after $seconds s (asked: $*)"
    sleep 0.2
  done
}

# Ends every process of D/pids, newest first: an API server whose etcd is gone ignores TERM. KILL for what is left after 2 s, and for its group (see start).
stop_all() {
  local name id birth
  [ -f "$D/pids" ] || return 0
  while read -r name id birth; do
    alive "$id" "$birth" || continue
    kill "$id" 2>/dev/null || true
    for _ in $(seq 20); do
      alive "$id" "$birth" || continue 2
      sleep 0.1
    done
    echo "$name: killed" >>"$D/logs/$name.log"
    # With what it started: Velero's plugins would stay.
    kill -9 -- "-$id" 2>/dev/null || true
  done < <(tac "$D/pids")
  rm -f "$D/pids"
}
