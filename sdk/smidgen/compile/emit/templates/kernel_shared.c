/* $layers */
static NOINLINE void $name(const $shape_type *shape, $parameters) {
    $symbol(shape, $arguments);
}

