/* $layers */
static const $shape_type $name = {
$fields};

