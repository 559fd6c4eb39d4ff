// Fetch stage: keeps up to three words fetched ahead, cuts instructions of 16 or 32 bits out of them, and
// hands one decompressed instruction per cycle to the execute stage.
//
// Memory port: a request (fetch_request with the word address fetch_address) is taken in a cycle with fetch_ready.
// Its answer is fetch_response for one cycle, no earlier than the next cycle. A new request may be taken in
// the cycle of an answer; there is never more than one unanswered otherwise.
module midge_fetch
  import midge_package::*;
#(
    parameter logic [31:0] RESET_ADDRESS = 32'h0
) (
    input  logic        clock,
    input  logic        reset,
    // memory
    output logic        fetch_request,
    output logic [31:2] fetch_address,
    input  logic        fetch_ready,
    input  logic        fetch_response,
    input  logic [31:0] fetch_data,
    input  logic        fetch_error,
    // execute stage
    input  logic        jump,              // discard everything and go on at jump_target; known late
    input  logic [31:1] jump_target,
    input  logic        trap,              // the same; known early, and never together with jump
    input  logic [31:1] trap_target,
    input  logic        take,              // the instruction offered is taken, if there is one
    output logic        valid,
    output logic [31:1] pc,
    output logic [31:0] instruction,       // decompressed
    output logic [15:0] first_half,        // as it is in memory, for mtval and RVFI
    output logic        is_compressed,
    output logic        illegal,           // reserved compressed encoding
    output logic        fault,             // access fault on one of its halves
    output logic        fault_second_half  // only the second half could not be read
);
  // Words waiting, oldest first. Three let the fetch port run at full rate although a request is made
  // without knowing yet what is consumed in the same cycle.
  localparam int DEPTH = 3;
  logic [32:0] word_0, word_1, word_2;      // error bit and 32 bits of code
  logic [1:0]  count;
  logic        unanswered, discard;         // discard: the answer to come is from before a redirect
  logic [31:2] last_address;                // asked for in the last cycle, and whether it was taken
  logic        last_accepted;

  // Requests
  logic arrives, has_room, accepted, redirect;
  assign redirect = jump || trap;
  assign arrives = fetch_response && !discard;
  assign has_room = 3'(count) + 3'(unanswered) < 3'(DEPTH);
  assign fetch_request = (redirect || has_room) && (!unanswered || fetch_response) && !reset;
  assign fetch_address = jump ? jump_target[31:2] : trap ? trap_target[31:2] : last_address + {29'b0, last_accepted};
  assign accepted = fetch_request && fetch_ready;

  always_ff @(posedge clock)
    if (reset) begin
      last_address <= RESET_ADDRESS[31:2];
      last_accepted <= 1'b0;
      unanswered <= 1'b0;
      discard <= 1'b0;
    end else begin
      last_address <= fetch_address;
      last_accepted <= accepted;
      unanswered <= accepted || (unanswered && !fetch_response);
      discard <= !accepted && unanswered && !fetch_response && (redirect || discard);
    end

  // The two oldest words, straight from memory where the queue is that short.
  logic [32:0] arriving, head;
  logic        second_error;
  logic [15:0] second_low;
  logic        head_valid, second_valid;
  assign arriving = {fetch_error, fetch_data};
  assign head = count != 2'd0 ? word_0 : arriving;
  assign second_low = count[1] ? word_1[15:0] : arriving[15:0];
  assign second_error = count[1] ? word_1[32] : arriving[32];
  assign head_valid = count != 2'd0 || arrives;
  assign second_valid = count[1] || (count != 2'd0 && arrives);

  // The instruction at pc
  logic        straddles;
  logic [31:0] raw, expanded;
  logic        expanded_illegal;
  assign raw = pc[1] ? {second_low, head[31:16]} : head[31:0];
  assign is_compressed = raw[1:0] != 2'b11;
  assign straddles = pc[1] && !is_compressed;
  assign valid = head_valid && (!straddles || second_valid);
  assign first_half = raw[15:0];
  assign fault_second_half = straddles && !head[32] && second_error;
  assign fault = head[32] || fault_second_half;

  midge_decompress decompress (
      .compressed(raw[15:0]),
      .expanded(expanded),
      .illegal(expanded_illegal)
  );
  assign instruction = is_compressed ? expanded : raw;
  assign illegal = is_compressed && expanded_illegal;

  // The queue
  logic taken, pop;
  logic [1:0] count_kept;
  assign taken = valid && take;
  assign pop = taken && (pc[1] || !is_compressed);
  assign count_kept = count + {1'b0, arrives} - {1'b0, pop};

  always_ff @(posedge clock)
    if (reset) begin
      pc <= RESET_ADDRESS[31:1];
      count <= 2'd0;
    end else if (redirect) begin
      pc <= jump ? jump_target : trap_target;
      count <= 2'd0;
    end else begin
      if (taken) pc <= pc + (is_compressed ? 31'd1 : 31'd2);
      count <= count_kept;
    end

  always_ff @(posedge clock) begin
    word_0 <= pop ? (count[1] ? word_1 : arriving) : (count != 2'd0 ? word_0 : arriving);
    word_1 <= pop ? (count == 2'd3 ? word_2 : arriving) : (count[1] ? word_1 : arriving);
    word_2 <= count == 2'd3 ? word_2 : arriving;
  end
endmodule
