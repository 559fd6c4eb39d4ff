/* $layers */
$linkage $name($parameters) {
    $symbol($arguments);
}

