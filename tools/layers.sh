#!/bin/sh
# layers.sh AREA [USED]...: fails if a file under src/AREA includes a header of an area that it may not use.
area=$1
allowed=$(printf '%s|' "$@")
! grep -rnE '^#include "[a-z0-9_]+/' "src/$area" | grep -vE "#include \"(${allowed%|})/"
