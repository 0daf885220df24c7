/*
 * The doorbell of src/memory/home.ts: wakers ring a party whose event loop sleeps, and any of them is killed between any two steps.
 *
 * The party counts its looks, each before it looks. A waker that has changed something reads that count, rings unless somebody has
 * rung since that look, and writes the count down only after it has rung. So one that dies leaves the others to ring. The party stops
 * listening now and then, and what is rung then is heard by nobody. It may leave for ever, and another one gets its entry.
 *
 * Held: when nothing happens any more, the party has looked at every change. It hears of deaths by other means.
 */
#ifndef WAKERS
#define WAKERS 3
#endif
#ifndef CHANGES
#define CHANGES 2    /* by each waker */
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef STOPS
#define STOPS 1
#endif

/* The entry. */
byte occupant;
bool asleep;
byte looks, rung;

bool rang[3];                /* a byte is in the pipe of the first, or second, party */
byte changes[3], seen[3];    /* for each of them */
bool died;                   /* unheard */
byte kills, stops;

inline step() {
  if
  :: kills < KILLS -> atomic { kills++; died = true; goto gone }
  :: true
  fi
}

active [WAKERS] proctype Waker() {
  byte i = 0, word, seenLooks;
  do
  :: i == CHANGES -> break
  :: i < CHANGES && occupant != 0 ->
    i++;
    atomic { word = occupant; if :: word == 0 -> goto gone :: else -> changes[word]++ fi }
    step();
    if
    :: occupant == word && asleep ->
      step();
      seenLooks = looks;
      step();
      if
      :: rung != seenLooks ->
        step();
        if
        :: occupant == word ->
          step();
          rang[word] = true;
          step();
          rung = seenLooks
        :: else
        fi
      :: else
      fi
    :: else
    fi
  od;
gone:
  skip
}

inline look() {
  seen[me] = changes[me]
}

inline listen() {
  looks++;
  asleep = true;
  look()
}

proctype Party(byte me) {
  asleep = false;
  occupant = me;
  listen();
  do
  :: rang[me] -> rang[me] = false; looks++; look()
  :: died -> died = false; look()
  :: stops < STOPS ->
    stops++;
    asleep = false;
    /* Read, but not listened to. */
    if :: rang[me] = false :: true fi;
    listen()
  :: me == 1 -> occupant = 0; run Party(2); break
  :: timeout -> assert(seen[me] == changes[me]); break
  od
}

init {
  run Party(1)
}
