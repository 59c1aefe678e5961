# The interface of the installed header has everything that the committed one has, and the check sees what it must.
"$here/mirror.sh" "$prefix/include/maas.h" >now.abi
# A new function or constant is no fault, but the description must be renewed: Tests/abi/mirror.sh tells how.
abidiff "$here/maas.abi" now.abi

# differs NAME SED-SCRIPT: a header changed so is told from the committed one.
differs() {
  sed "$2" "$prefix/include/maas.h" >changed.h
  cmp -s changed.h "$prefix/include/maas.h" && { echo "$1: nothing to change in maas.h"; exit 1; }
  "$here/mirror.sh" changed.h >changed.abi
  local rc=0
  abidiff "$here/maas.abi" changed.abi >report || rc=$?
  # Bit 0: abidiff itself failed. Bit 2: the interface changed.
  [ $((rc & 5)) = 4 ] || { echo "$1: not seen (exit $rc)"; exit 1; }
}
differs "removed function" '/maas_status maas_pool_threads(/d'
differs "other parameter" 's/maas_tensor_close(maas_tensor \*tensor)/maas_tensor_close(maas_tensor *tensor, int now)/'
differs "other type of a parameter" \
  's/set_deadline(maas_run_options \*options, int64_t/set_deadline(maas_run_options *options, int32_t/'
differs "other result" 's/MAAS_API size_t maas_dtype_bits/MAAS_API int maas_dtype_bits/'
differs "other number" 's/MAAS_BUSY, 16/MAAS_BUSY, 18/'
