midge/rtl/midge_fifo.sv
midge/rtl/midge_nn_gated_sum.sv
midge/rtl/midge_nn_signed_sum.sv
midge/rtl/midge_nn_selected_sum.sv
midge/rtl/midge_nn_memory_block.sv
midge/rtl/midge_nn_memory_distributed.sv
midge/rtl/midge_nn_requantize.sv
