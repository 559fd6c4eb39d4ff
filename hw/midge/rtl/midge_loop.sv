// The hardware loop of Xmidge: its registers, and where fetching and execution go on at the end of the body.
//
// Words are asked for, and instructions taken, before it is known that the ones before them finish. Each side therefore
// knows how often it went back ahead of the last instruction of a body that finished; a redirect of the fetch discards
// what is ahead.
module midge_loop (
    input  logic        clock,
    input  logic        reset,
    // loop, and set of count, start, end; both redirect the fetch
    input  logic        begins,
    input  logic [2:0]  sets,
    input  logic [31:0] operand,
    input  logic [31:1] pc,              // loop stands at a whole word only
    input  logic [31:2] pc_and_body,
    output logic [31:1] target,          // where the program goes on after them
    output logic [31:0] count,           // times that it still goes back
    output logic [31:2] start,           // first word of the body
    output logic [31:2] body_end,        // the word after the body
    // the word asked for is followed by `start`, not by the next one, where request_back is true
    input  logic        redirect,
    input  logic        asked,
    input  logic [31:2] asked_for,
    output logic        request_back,
    // the instruction that is offered is followed by the first one of the body where it ends the body and
    // take_back is true; such instructions in execute and in writeback
    input  logic [31:2] offered_word,
    output logic        take_back,
    input  logic        x_takes_back,
    input  logic        w_takes_back,
    input  logic        finished         // the one in writeback finishes
);
  logic [2:0] requests_ahead;
  logic [1:0] takes_ahead;
  logic       many;
  logic [31:2] last;              // last word of the body

  // Never more than seven ahead: three words waiting, one instruction in execute, one in writeback.
  assign many = count[31:3] != 29'd0;
  assign request_back = asked && asked_for == last && (many || count[2:0] != requests_ahead);
  assign takes_ahead = 2'(x_takes_back) + 2'(w_takes_back);
  assign take_back = offered_word == last && (many || count[2:0] != {1'b0, takes_ahead});

  always_ff @(posedge clock)
    if (reset || redirect) requests_ahead <= 3'd0;
    else requests_ahead <= requests_ahead + 3'(request_back) - 3'(finished);

  logic        is_empty, enters;
  logic [31:2] next;
  assign is_empty = operand == 32'd0;
  assign enters = begins && !is_empty;
  assign next = pc[31:2] + 30'd1;
  assign target = {begins && is_empty ? pc_and_body + 30'd1 : next, pc[1]};
  assign body_end = last + 30'd1;

  always_ff @(posedge clock)
    if (reset) begin
      count <= 32'd0;
      start <= 30'd0;
      last <= 30'd0;
    end else begin
      if (enters) count <= operand - 32'd1;
      else if (sets[0]) count <= operand;
      else if (finished) count <= count - 32'd1;
      if (enters) start <= next;
      else if (sets[1]) start <= operand[31:2];
      if (enters) last <= pc_and_body;
      else if (sets[2]) last <= operand[31:2] - 30'd1;
    end
endmodule
