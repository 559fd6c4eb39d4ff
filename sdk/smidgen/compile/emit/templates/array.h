/* $name: $what, $bytes bytes */
static const $ctype $identifier[$count] ${PREFIX}_ALIGNED($alignment)$section = {
$values};

