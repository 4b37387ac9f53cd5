# Reads what `init` tells of one kernel (`release` is its name here), and prints a line for
# each check when it ends. Exits with 1 if one failed or is missing; `checks` is how many there are.
{ sub(/\r$/, "") }
$1 == "@@" && $2 == "kernel" { kernel = $3 }
$1 == "@@" && $2 == "begin" { running = $3; passed = skipped = 0; failed = "" }
/^\[       OK \] / { ++passed }
/^\[  SKIPPED \] .*ms\)$/ { ++skipped }
/^\[  FAILED  \] .*ms\)$/ { failed = failed " " $4; sub(/,$/, "", failed) }
$1 == "@@" && $2 == "end" {
  running = ""
  # A filter that finds no test, and a program that crashed, are failures too.
  good = $4 == 0 && passed > 0
  if (good) ++ok
  counts = passed " passed" (skipped ? ", " skipped " skipped" : "")
  why = good ? "" : failed != "" ? ":" failed : $4 == 0 ? ": no test has run" : $4 == 124 ? ": too slow" : ": exit status " $4
  printf "%-16s %-14s %-6s %s, %d s%s\n", release, $3, good ? "ok" : "FAILED", counts, $5, why
  fflush()
}
$1 == "@@" && $2 == "done" { done = 1 }
END {
  if (!done) printf "%-16s %-14s %-6s the machine ended%s\n", release, running, "FAILED", running == "" ? " before the first check" : " in this check"
  printf "%-16s %d of %d checks ok (%s)\n", release, ok, checks, kernel == "" ? "the kernel did not start" : kernel
  exit !(done && ok == checks)
}
