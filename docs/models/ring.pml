/*
 * The ring of src/queues: producers behind one latch, consumers behind another, any of them killed between any two steps.
 *
 * A latch word is 0 or the party that holds it. One step takes it and records who; when its owner is dead, one step takes it
 * over. A producer writes its slot, then its bytes (two halves, to see a torn one), then publishes by one store of `tail`.
 * A consumer reads, then advances `head` by one store. Waiters register, look once more, and sleep; whoever changes
 * something wakes those that are registered. A death wakes all: lifelines tell everybody who sleeps.
 *
 * With SHUTDOWN somebody raises a flag at some time. A producer looks for it with the latch; a consumer takes an empty ring for
 * the end when the flag is up and nobody alive has the producers' latch, and the ring is still empty afterwards.
 *
 * Held: no item is torn, none is taken twice, none that was published is lost but with the consumer that had taken it out,
 * also beside a shutdown, order is kept, `tail - head` is the count at every moment, nobody alive sleeps for ever (no invalid end state).
 */
#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef CONSUMERS
#define CONSUMERS 2
#endif
#ifndef ITEMS
#define ITEMS 2      /* by each producer */
#endif
#ifndef LIMIT
#define LIMIT 2
#endif
#ifndef KILLS
#define KILLS 2
#endif
#ifndef SHUTDOWN
#define SHUTDOWN 0
#endif
#define SLOTS 4      /* the power of two above LIMIT */
#define PARTIES (PRODUCERS + CONSUMERS)

byte slotOf[SLOTS];          /* which item the slot names */
byte low[SLOTS], high[SLOTS];/* its bytes */
byte head, tail;             /* counters that run on: never more than 255 here */
byte putLatch, getLatch;     /* 0 or a party */
bool dead[PARTIES + 1];
bool waits[PARTIES + 1];     /* registered as a waiter */
bool woken[PARTIES + 1];
byte taken[PRODUCERS * ITEMS + 1];
byte published[PRODUCERS * ITEMS + 1];
byte last[PRODUCERS + 1];    /* the item of each producer that was taken last */
bool down;                   /* it was shut down */
byte kills;
byte finished;               /* producers that are done or dead */
byte consumersGone;          /* then a producer may wait for ever: it ends here */

#define size (tail - head)

inline wakeAll() {
  d_step {
    byte w = 1;
    do
    :: w <= PARTIES -> if :: waits[w] -> waits[w] = false; woken[w] = true :: else fi; w++
    :: else -> break
    od;
    w = 0
  }
}

/* Between any two steps a party may be gone; those who sleep hear of it. */
inline step() {
  if
  :: kills < KILLS -> atomic { kills++; dead[me] = true; wakeAll(); goto gone }
  :: true
  fi
}

inline acquire(latch) {
  do
  :: atomic { latch == 0 -> latch = me; break }
  :: atomic { latch != 0 && dead[latch] -> latch = me; break }
  od
}

proctype Producer(byte me) {
  byte item = (me - 1) * ITEMS + 1;
  byte seen, end = me * ITEMS;
  do
  :: item > end -> break
  :: else ->
    step();
    acquire(putLatch);
    step();
    seen = head;
    if
    :: down ->
      putLatch = 0;
      step();
      wakeAll();
      goto done
    :: !down && (tail - seen) >= LIMIT ->
      /* Full: registered under no latch, looked at once more. */
      putLatch = 0;
      step();
      woken[me] = false;
      waits[me] = true;
      if
      :: size < LIMIT -> waits[me] = false
      :: else -> if :: woken[me] :: consumersGone == CONSUMERS -> goto done fi
      fi
    :: else ->
      slotOf[tail % SLOTS] = item;
      step();
      low[tail % SLOTS] = item;
      step();
      high[tail % SLOTS] = item;
      step();
      atomic { tail++; published[item]++; assert(size <= LIMIT) };
      item++;
      step();
      putLatch = 0;
      step();
      wakeAll()
    fi
  od;
  goto done;
gone:
  skip;
done:
  atomic { finished++; wakeAll() }
}

proctype Consumer(byte me) {
  byte item, owner, slot;
  do
  :: step();
    acquire(getLatch);
    step();
    if
    :: head == tail ->
      getLatch = 0;
      step();
      woken[me] = false;
      waits[me] = true;
      if
      :: head != tail -> waits[me] = false
      :: !SHUTDOWN && head == tail && finished == PRODUCERS -> waits[me] = false; break
      :: SHUTDOWN && head == tail && down ->
        if
        :: putLatch == 0 || dead[putLatch] ->
          waits[me] = false;
          if
          :: head == tail -> break
          :: else
          fi
        :: else -> woken[me]
        fi
      :: else -> woken[me]
      fi
    :: else ->
      slot = head % SLOTS;
      item = slotOf[slot];
      step();
      assert(low[slot] == item && high[slot] == item);
      step();
      atomic {
        head++;
        taken[item]++;
        assert(taken[item] == 1 && published[item] == 1);
        owner = (item - 1) / ITEMS + 1;
        assert(item > last[owner]);
        last[owner] = item
      };
      step();
      getLatch = 0;
      step();
      wakeAll()
    fi
  od;
  goto done;
gone:
  consumersGone++;
done:
  skip
}

proctype Closer() {
  down = true;
  wakeAll()
}

init {
  byte i = 1;
  atomic {
    do
    :: i <= PRODUCERS -> run Producer(i); i++
    :: i > PRODUCERS && i <= PARTIES -> run Consumer(i); i++
    :: else -> break
    od;
    if
    :: SHUTDOWN -> run Closer()
    :: else
    fi
  };
  /* All that was published was taken, unless no consumer is left. */
  (_nr_pr == 1);
  byte item = 1;
  bool consumers = false;
  i = PRODUCERS + 1;
  do
  :: i <= PARTIES -> consumers = consumers || !dead[i]; i++
  :: else -> break
  od;
  do
  :: item <= PRODUCERS * ITEMS -> assert(!consumers || published[item] == taken[item]); item++
  :: else -> break
  od
}
