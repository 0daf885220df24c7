/** Every default and bound, with its unit and its reason. */

/** A frame above this is refused before anything is allocated: 1 GiB keeps sizes within what a socket and a heap can take. */
export const maxFrameBytes: number = 2 ** 30;
/** ... and one with more buffers beside it than these, each of which is an object where it arrives. */
export const maxFrameAttachments = 65_536;

/** Nodes (values) in one message: a graph larger than this is a mistake or an attack. */
export const maxMessageNodes = 100_000_000;

/** Depth up to which the codec recurses; deeper values are queued, so that no graph overflows the stack. */
export const maxCodecDepth = 200;

/** ArrayBuffers from this size on travel beside the bytes of a message instead of inside them. */
export const minAttachmentBytes: number = 16 * 1024;
/** Buffers from this size on are sent at once instead of being copied first, if somebody is free for them: a copy takes as long as a start. */
export const minLiveBytes: number = 1024 * 1024;

/** ArrayBuffers from this size on go to and from a process through shared memory: a pipe costs more than to open a file. */
export const minLargeBytes: number = 64 * 1024;

/** From this size on they are mapped where they arrive: below it a copy costs less, and the copy can be transferred. */
export const minMappedBytes: number = 4 * 1024 * 1024;

/**
 * Mapped files that their receiver has let go are kept for the next large buffer, as new memory costs four times as much to write:
 * this much of them in a process, no longer than two of these periods, and this many of a channel, used ones included.
 */
export const maxKeptBytes: number = 256 * 1024 * 1024;
export const keptMs = 1_000;
export const maxKeptFiles = 32;

/** An array longer than this is taken to have no named properties: listing its keys would cost more than sending it. */
export const maxKeyCheckedLength = 256;

/** Errors are cut to these sizes, so that a task cannot flood the host by throwing. */
export const maxErrorMessageLength: number = 64 * 1024;
export const maxErrorCauses = 100;
export const maxErrorProperties = 1_000;

/** A batch is sized to take about this long, so that messages cost little and no worker runs far ahead. */
export const batchMs = 1;

/** Batches under way per worker: one that runs and one that waits, so that a worker never idles during a round trip. */
export const batchesInFlight = 2;

/** The first batch of a function whose run time is unknown. */
export const firstBatchSize = 4;

/** The most items in one batch. */
export const maxBatchItems = 65_536;

/** Guided self-scheduling: a batch is at most `waiting / (share * workers)`. */
export const fairShare = 2;

/** Tasks that the statistics of a pool name as its slowest. */
export const slowestTasks = 5;

/** Workers that may be asked for; more is a mistake in a program. */
export const maxWorkers = 1_024;

/** How long a worker may take to start and to run its initializer. */
export const bootTimeoutMs = 60_000;

/** From the request to end to SIGTERM, and from SIGTERM to SIGKILL. */
export const drainGraceMs = 5_000;
export const killGraceMs = 100;

/** What a program may do after a signal that ends it: its work has failed, its workers end. */
export const cleanUpMs = 1_000;
/** How long after its last work a program still listens to signals. */
export const lingerMs = 500;
/** A signal that comes again this soon is the same one, told twice. */
export const repeatedSignalMs = 100;

/** An elastic pool ends a worker above its minimum after it was idle for this long. */
export const idleTimeoutMs = 5_000;

/** The workers of `getReusableExecutor` end after this long without work, as loky's do. */
export const reusableIdleTimeoutMs = 10_000;

/** Deaths without a finished task in between, within the period, after which a pool is broken (OTP's words). */
export const restartIntensity = 100;
export const restartPeriodMs = 60_000;
/** The delay before restart n of an unproductive series doubles from the first to the last of these. */
export const restartDelayMs = { first: 20, last: 500 } as const;
/** Failures of the initializer in a row after which a pool is broken. */
export const initializerFailures = 3;

/** A task that ended this many workers is not tried again, whatever its `retries`. */
export const poisonDeaths = 3;

/** Pools in tasks of pools: how deep. */
export const maxNesting = 10;

/** How many functions a worker remembers by number before the oldest are forgotten. */
export const maxKnownFunctions = 1_000;

/** `imap` reads ahead at most this many chunks for each worker. */
export const readAheadChunks = 2;
/** ... and at most this many items in a chunk whose size is chosen by run time. */
export const maxStreamChunk = 1_024;

/** How often the memory of the workers is looked at, when `maxMemoryPerWorker` is set. */
export const memoryCheckMs = 200;

/** A thread that is in native code does not end; after this long it counts as gone, and costs memory until it returns. */
export const zombieMs = 1_000;

/**
 * An idle worker takes over what a busy one was sent and has not begun after this long without progress. With a worker that
 * runs nothing yet the patience doubles from look to look and has to reach `receiving` first; it ends at the last of these.
 */
export const stealAfterMs = { first: 2, receiving: 128, last: 1_000 } as const;

/** A task that waits this long for a worker makes an elastic pool grow. */
export const growAfterMs = 10;

/** How long a task that was told to stop, as it was aborted or its time is over, may go on before its worker is ended. */
export const stopGraceMs = 1_000;

/** The longest that `chaos` stops or delays a worker. */
export const chaosPauseMs = 1_000;

/** A priority that waits gets a turn after higher ones had this many: a steady stream of those leaves it a share. */
export const priorityTurns = 16;

/** The delay before a retry doubles up to this, unless `backoffLimit` says otherwise. */
export const retryBackoffMs = 30_000;

/** A blocked thread looks at its workers this often at least: the death of a thread wakes nobody, and a thread that is to end cannot be in native code. */
export const blockedSliceMs = 50;
/** ... and this often while a worker is about to end, or where threads and processes are waited for together. */
export const blockedPollMs = 1;

/** Node's timers take no more, 24.8 days: a longer one would ring at once. */
export const longestTimerMs: number = 2 ** 31 - 1;

// Managers. What is counted here comes from the network, before or after its sender has shown the key.

/** One frame to or from a manager's server: room for large values, too little to fill a heap with one message. */
export const maxManagerFrameBytes: number = 64 * 2 ** 20;
/** The least that the option `maxFrameBytes` may be. */
export const minManagerFrameBytes = 1_024;
/** Values in one frame of data: objects of so many take some 100 MB, and a second to be decoded, a turn at a time. */
export const maxDataNodes = 1_000_000;
/** What names a shared object of another server: an address and four names of up to 1,000 letters. */
export const maxInnerBytes: number = 16 * 2 ** 10;
/** Arguments of one call of a shared object. */
export const maxArguments = 65_536;
/** Hexadecimal digits of a BigInt that comes over a network: its decimal text takes time with the square of them. */
export const maxBigIntDigits = 65_536;
/** Bytes that are written in vain, of errors whose fields are no data, before such fields are left out at once. */
export const maxTakenBack: number = 16 * 2 ** 20;
/** How long the maps and sets of one frame may take to be filled; a million entries take a tenth of that. */
export const maxFillMs = 2_000;
/** How deep data may be nested: the codec recurses, and so do those who look at it. */
export const maxDataDepth = 1_000;
/** The calls of one tick go out in frames of about this size. */
export const managerBatchBytes: number = 256 * 1024;
/** A client that has connected must have shown the key by then. */
export const handshakeMs = 5_000;
/** Clients that are shaking hands at once; further ones wait for their turn within the same time. */
export const maxUnauthenticated = 64;
/** Those that are connected and have not shown the key, the ones in line too; further ones are turned away. */
export const maxInLine = 1_024;
/** New connections over TCP that are seen per second, when as many as there can be clients have come at once: each costs a handshake. */
export const acceptsPerSecond = 100;
/** Clients of one server, unless the option `maxConnections` says otherwise. */
export const maxManagerConnections = 256;
/** Calls of one client that wait (for a lock, an item): more is an error of that call, not a longer list. */
export const maxWaitingCalls = 10_000;
/** Shared objects that one client may hold at once. */
export const maxClientReferences = 2_000_000;
/** A client that reads slower than it asks is not read from above this, and cut off when it has not caught up in time. */
export const maxUnsentBytes: number = 16 * 2 ** 20;
export const slowReaderMs = 30_000;
/** TCP: silence after which the other side is asked for a sign of life, and after which it counts as gone; how often that is looked at. */
export const heartbeatMs = 5_000;
export const silenceMs = 15_000;
export const silenceLookMs = 1_000;
/** TCP: silence after which a client that holds no lock is gone too, with its references. It is asked all the time. */
export const goneMs = 600_000;
/** How long a shared object that was sent to somebody outlives its last holder: the receiver may not have got to it. */
export const lingerReferenceMs = 300_000;
/**
 * Wrong keys from one address within a minute after which its connections wait, doubling, up to the last of these; that of this
 * machine, which all its programs share, is short. Of so many addresses at most.
 */
export const authFailures = {
  free: 5,
  delayMs: 100,
  delayMsMax: 10_000,
  localDelayMsMax: 1_000,
  forgetMs: 60_000,
  addresses: 10_000,
} as const;
/** The most that is told of an error to a client: the rest of a message is cut. */
export const maxRemoteMessageLength = 4_096;
/**
 * How long an answer, and the next question, are looked for without going to sleep, on the same machine: to be woken costs as
 * much. A client looks for as long as it takes a server to wake up.
 */
export const managerSpinUs = { answer: 80, question: 30 } as const;
/** ... and how long in sum before the event loop has its turn. */
export const managerSpinBudgetMs = 1;
/** For so long a server takes what its clients ask in one turn of its event loop. */
export const managerTurnMs = 10;
/** A server that was told to shut down has this long before it is ended. */
export const managerShutdownMs = 1_000;
/** Connections to a Python server, each of which is a thread there: at once, kept for later, and being made. Its backlog is 16. */
export const pythonLanes = { most: 128, idle: 4, dialling: 4 } as const;
/**
 * A wait at a Python server is asked for again after this long. It cannot be given up there, and its thread would get what it waits
 * for although nobody is there any more.
 */
export const pythonSliceMs = 500;
/** Items that an iteration over a shared container fetches at once. */
export const iterationChunk = 1_024;
/** Bytes of the items in a queue, beyond which a `put` waits; an item larger than that goes alone. */
export const maxQueuedBytes: number = 256 * 2 ** 20;
/** The ring of a queue or pipe: larger items (than a quarter of it) go beside it. */
export const ringBytes = { least: 65_536, most: 1_048_576, pipe: 262_144, perItem: 1_024 } as const;
/** Items in a queue without `maxSize`, beyond which a `put` waits. */
export const maxQueuedItems = 32_767;
/** Processes and threads that hold the same end of a pipe at once: its table is looked through when nothing is there. */
export const maxEndParties = 128;
/** Connections of one end on their way at once, each of which is told apart. */
export const maxEndTickets = 256;

// Listeners and clients that speak Python's protocol.

/** One message of a connection over a socket, unless the option `maxMessageBytes` says otherwise. */
export const maxConnectionMessageBytes: number = 64 * 2 ** 20;
/** Values in one pickle, and again those kept to be referred to: a message of single bytes must not fill the heap. */
export const maxPickleValues = 10_000_000;
/** How long a pickle with dicts or sets may be read: the largest one takes a second or two. */
export const maxPickleMs = 10_000;
/** Clients of a listener that have shown the key and wait to be accepted. */
export const maxUnaccepted = 128;
/** How long a client tries: a listener of Python shows the key in its `accept`, which it may be late with. */
export const dialMs = 20_000;
/** ... and how soon it tries again when as many wait at a Unix socket already as its listener lets. */
export const redialMs = 20;
/** Connections that the kernel keeps until a listener of ours takes them, which is at once. */
export const listenBacklog = 511;
