# SPDX-License-Identifier: GPL-2.0-only
# For run.sh: which items (fuzz --items) a failure of one generation needs. Each trial is a boot of the host, so this takes a
# while: FUZZ_REDUCE=0 does without.
trial_times=4  # a race may not be lost each time

cat >"$work/trial" <<'END'
. /root/checks
fuzz --kind $1 --machine-type $2 --seed $3 --generation $4 --times $5 ${6:+--without $6} || bad fuzz
nothing_is_lost
nobody_is_left
unloads_without_a_word
echo end
END

# failure_without LIST: how the generation ends without the items of the list: bad, stands-still, or nothing. $trial: kind, machine
# type, seed, generation; $trial_host: the host's variables.
failure_without() {
  host "sh /root/trial ${trial[*]} $trial_times $1" SMP=2 TIMEOUT=$((20 * trial_times + 90)) "${trial_host[@]}"
  ! grep -q '^BAD' "$work/out" || { echo bad; return; }
  grep -q '^end$' "$work/out" || echo stands-still
}

# still_fails LIST: in the way that $failure says. A host that is only slow does not stand still twice.
still_fails() {
  [ "$(failure_without "$1")" = "$failure" ] || return 1
  [ "$failure" = bad ] || [ "$(failure_without "$1")" = "$failure" ]
}

# reduce KIND MACHINE-TYPE GENERATION [VARIABLE=VALUE...]: leaves out ever smaller pieces of what is left, and shows the rest.
reduce() {
  local items size first i without= candidate kind=$1 failure
  trial=("$1" "$2" "$seed" "$3")
  shift 3
  trial_host=("$@")
  mapfile -t items < <("$RING1_BUILD/tests/fuzz/fuzz" --items "$kind")
  say "what generation ${trial[3]} fails by is looked for among ${#items[@]} items"
  failure=$(failure_without "")
  [ -n "$failure" ] || { say "it does not fail again in $trial_times times"; return; }
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
  still_fails "$without" || say "with these alone it did not fail a second time; a race, perhaps:"
  say "needed:"
  for i in "${left[@]}"; do say "  $i ${items[i]}"; done
  say "again, on the host: fuzz --kind $kind --machine-type ${trial[1]} --seed $seed --generation ${trial[3]} --times $trial_times${without:+ --without $without}"
}
