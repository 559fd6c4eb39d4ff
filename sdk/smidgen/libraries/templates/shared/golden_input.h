        memcpy(@{name}_input_@{index}(arena), golden_input_@{index} + run * @{NAME}_INPUT_@{index}_ELEMENTS,
               @{NAME}_INPUT_@{index}_BYTES);
