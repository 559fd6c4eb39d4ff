/* $layers */
static NOINLINE void $name($parameters) {
    $symbol($arguments);
}

