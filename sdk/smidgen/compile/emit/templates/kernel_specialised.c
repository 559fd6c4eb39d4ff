/* $layers */
static NOINLINE void $name($parameters) {
    static const $shape_type shape = {
$fields    };
    $symbol($arguments);
}

