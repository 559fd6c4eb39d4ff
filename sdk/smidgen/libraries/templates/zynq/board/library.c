/* @{title} for the driver: the model, its golden test, and the way from its layers to the engine. */
#include "@{model_c}"

#include "../examples/golden_test/golden.h"

/* Does a list of the engine; bases: what its base registers shall point to, NULL where nothing. */
typedef void (*engine)(const uint32_t *list, uint32_t descriptors, const void *const *bases);

static engine run_list;

void @{name}_use_engine(engine function) {
    run_list = function;
}

/* What the kernels of the engine call. */
void smidgen_npu_execute(const uint32_t *list, uint32_t descriptors, const void *const *bases) {
    run_list(list, descriptors, bases);
}

uint32_t @{name}_golden_test(void *arena) {
    return golden_test(arena);
}
