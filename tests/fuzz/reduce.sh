# SPDX-License-Identifier: GPL-2.0-only
# For run.sh: which items (fuzz --items) a failure of one generation needs. Each trial is a boot of the host, so this takes a
# while: FUZZ_REDUCE=0 does without.
trial_times=4  # a race may not be lost each time

cat >"$work/trial" <<'END'
fuzz --kind $1 --machine-type $2 --seed $3 --generation $4 --times $5 ${6:+--without $6} || echo "BAD: fuzz"
dmesg | grep -E 'BUG:|WARNING|Oops|Call Trace|panic|KASAN|UBSAN' && echo "BAD: the host's log"
rmmod ring1 || echo "BAD: the module does not unload"
echo end
END

# still_fails LIST: without the items of the list. $trial: kind, machine type, seed, generation; $trial_host: the host's variables.
still_fails() {
  host "sh /root/trial ${trial[*]} $trial_times $1" SMP=2 TIMEOUT=$((20 * trial_times + 60)) "${trial_host[@]}"
  grep -q '^BAD' "$work/out" || ! grep -q '^end$' "$work/out"
}

# reduce KIND MACHINE-TYPE GENERATION [VARIABLE=VALUE...]: leaves out ever smaller pieces of what is left, and shows the rest.
reduce() {
  local items size first i without= candidate kind=$1
  trial=("$1" "$2" "$seed" "$3")
  shift 3
  trial_host=("$@")
  mapfile -t items < <("$RING1_BUILD/tests/fuzz/fuzz" --items "$kind")
  say "what generation ${trial[3]} fails by is looked for among ${#items[@]} items"
  still_fails "" || { say "it does not fail again in $trial_times times"; return; }
  local left=("${!items[@]}")
  for ((size = (${#left[@]} + 1) / 2; size; size = size == 1 ? 0 : (size + 1) / 2)); do
    for ((first = 0; first < ${#left[@]};)); do
      [ "${#left[@]}" -gt 1 ] || break 2
      candidate=$without${without:+,}$(IFS=,; echo "${left[*]:first:size}")
      if still_fails "$candidate"; then
        without=$candidate
        left=("${left[@]:0:first}" "${left[@]:first+size}")
      else
        first=$((first + size))
      fi
    done
    say "pieces of $size: ${#left[@]} items are left"
  done
  say "needed:"
  for i in "${left[@]}"; do say "  $i ${items[i]}"; done
  say "again, on the host: fuzz --kind $kind --machine-type ${trial[1]} --seed $seed --generation ${trial[3]} --times $trial_times${without:+ --without $without}"
}
