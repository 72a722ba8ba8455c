# One line for each file system that is at least as full as FULL says (percent). No figure that changes stands in it, so that it is told of once.
df -P -l | awk -v full="${FULL:-90}" 'NR > 1 && $5 + 0 >= full { print $6 " is at least " full " % full" }'
