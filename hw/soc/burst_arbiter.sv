// Whether the engine's reads or its writes use a memory that serves one of them at a time. Whoever has begun a burst
// goes on to its end while it asks; then the other comes first.
module burst_arbiter (
    input  logic clock,
    input  logic reset,
    input  logic read_request,
    input  logic read_last,
    output logic read_ready,
    input  logic write_request,
    input  logic write_last,
    output logic write_ready,
    // the memory
    output logic request,
    output logic write,
    input  logic ready
);
  logic writes_first;
  assign request = read_request || write_request;
  assign write = write_request && (writes_first || !read_request);
  assign read_ready = ready && read_request && !write;
  assign write_ready = ready && write;

  always_ff @(posedge clock)
    if (reset) writes_first <= 1'b0;
    else if (request && ready) writes_first <= write ? !write_last : read_last;
endmodule
