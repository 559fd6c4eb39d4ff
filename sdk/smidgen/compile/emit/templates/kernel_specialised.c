/* $layers */
$linkage $name($parameters) {
    static const $shape_type shape = {
$fields    };
    $symbol($arguments);
}

