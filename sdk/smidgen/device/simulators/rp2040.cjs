// Runs firmware for the RP2040 in rp2040js, with UART 0 on a TCP port.
//
//   node rp2040.cjs PACKAGE IMAGE LOG NAME=ADDRESS ...
//
// PACKAGE: the folder of rp2040js; IMAGE: the flash's content, a binary file. Says "uart: URL" once somebody may
// connect. Whenever the instruction at one of the addresses is about to be executed, the line "NAME COUNT" goes
// into LOG: the instructions executed before it since the start. Ends when standard input closes.
'use strict';

const fs = require('node:fs');
const net = require('node:net');

const BOOT_ADDRESS = 0x20041f00; // where the boot ROM copies the flash's first bytes to
const BOOT_BYTES = 252; // and behind them their checksum
const FLASH_BYTES = 16 * 1024 * 1024;
const RESET_REGISTER = 0xd0c; // of the core's system control space
const RESET_REQUEST = 1 << 2;
const SLICE = 100000; // instructions between looks at the connection

const [packageFolder, image, logFile, ...named] = process.argv.slice(2);
const { RP2040 } = require(packageFolder);

const flash = fs.readFileSync(image);
const log = fs.openSync(logFile, 'a');
const marks = new Map();
const isMark = new Uint8Array(FLASH_BYTES); // a look-up for every instruction must be cheap
for (const one of named) {
  const [name, address] = one.split('=');
  marks.set(Number(address), name);
  isMark[Number(address) & (FLASH_BYTES - 1)] = 1;
}

const chip = new RP2040();
const { core } = chip;
const uart = chip.uart[0];
const report = (level) => (part, text) => process.stderr.write(`${level}: ${part}: ${text}\n`);
chip.logger = { debug() {}, info() {}, warn: report('warning'), error: report('error') };

// As the boot ROM does it, of which there is no free copy.
function boot() {
  if (checksum(flash.subarray(0, BOOT_BYTES)) !== flash.readUInt32LE(BOOT_BYTES)) {
    process.stderr.write('the first 256 bytes of the flash have a wrong checksum: the boot ROM refuses them\n');
    process.exit(1);
  }
  chip.flash.set(flash);
  for (let i = 0; i < BOOT_BYTES; ++i) {
    chip.writeUint8(BOOT_ADDRESS + i, flash[i]);
  }
  core.PM = false;
  core.pendingInterrupts = 0;
  core.enabledInterrupts = 0;
  core.SP = BOOT_ADDRESS;
  core.PC = BOOT_ADDRESS;
}

function checksum(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte << 24;
    for (let i = 0; i < 8; ++i) {
      sum = sum < 0 ? (sum << 1) ^ 0x04c11db7 : sum << 1;
    }
  }
  return sum >>> 0;
}

// rp2040js does not know how to reset itself.
let resetRequested = false;
const writeRegister = chip.ppb.writeUint32.bind(chip.ppb);
chip.ppb.writeUint32 = (offset, value) => {
  if (offset === RESET_REGISTER) {
    resetRequested = (value & RESET_REQUEST) !== 0;
  } else {
    writeRegister(offset, value);
  }
};

let connection = null;
let arrived = []; // bytes that the UART has no room for yet
let taken = 0;
let sent = [];
uart.onByte = (byte) => sent.push(byte);

function feed() {
  while (taken < arrived.length && !uart.rxFIFO.full) {
    uart.feedByte(arrived[taken++]);
  }
  if (taken === arrived.length) {
    arrived = [];
    taken = 0;
  }
}

let executed = 0;
let running = false;
let asleep = false;

// rp2040js would enter an exception when the core is woken, even with interrupts masked; so it is never told that
// the core sleeps.
function sleep() {
  if (core.waiting) {
    core.waiting = false;
    asleep = true;
  }
  if (asleep) {
    feed();
    asleep = (core.pendingInterrupts & core.enabledInterrupts) === 0;
  }
  return asleep;
}

function run() {
  for (let i = 0; i < SLICE; ++i) {
    if ((i & 0xff) === 0) {
      feed();
    }
    if (sleep()) {
      break;
    }
    const address = core.PC;
    if (isMark[address & (FLASH_BYTES - 1)] && marks.has(address)) {
      fs.writeSync(log, `${marks.get(address)} ${executed}\n`);
    }
    core.executeInstruction();
    ++executed;
    if (resetRequested) {
      resetRequested = false;
      boot();
    }
  }
  if (sent.length > 0 && connection !== null) {
    connection.write(Buffer.from(sent));
  }
  sent = [];
  running = !asleep;
  if (running) {
    setImmediate(run);
  }
}

function wake() {
  if (!running) {
    running = true;
    setImmediate(run);
  }
}

const server = net.createServer((socket) => {
  connection = socket;
  socket.setNoDelay(true);
  socket.on('data', (data) => {
    arrived = arrived.slice(taken).concat(...data);
    taken = 0;
    wake();
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    connection = connection === socket ? null : connection;
  });
});

process.stdin.on('end', () => process.exit(0));
process.stdin.resume();
boot();
wake();
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`uart: socket://127.0.0.1:${server.address().port}\n`);
});
