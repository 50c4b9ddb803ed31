# Sourced by the scripts that get tools. `downloading COMMAND...` runs a command that needs the network. If it fails for
# want of it, the script ends with 3, "could not be had", which is neither success nor a fault of what was got.
NOT_HAD=3

_no_network='Could not resolve host|Could not transfer artifact|Connection refused|Network is unreachable'
_no_network+='|[Cc]onnection (timed out|reset|broken)|Temporary failure|Name or service not known|NameResolutionError'
_no_network+='|Failed to (establish a new connection|fetch)|ProxyError|Unable to locate package|Can.t select candidate'
_no_network+='|from versions: none|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH'

downloading() {
  local log status=0
  log=$(mktemp)
  "$@" >"$log" 2>&1 || status=$?
  if [ "$status" -ne 0 ]; then
    tail -n 20 "$log" >&2
    if grep -qE "$_no_network" "$log"; then
      rm -f "$log"
      echo "$(basename "$0"): could not be had: what $1 needs cannot be downloaded" >&2
      exit "$NOT_HAD"
    fi
  fi
  rm -f "$log"
  return "$status"
}
