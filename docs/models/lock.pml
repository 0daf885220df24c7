/*
 * The lock of src/sync: robust-lock.ts, seats.ts and waiters.ts, by parties that wait in their event loops, any of them killed between any
 * two accesses to shared memory.
 *
 * Whoever comes takes a free lock. Who waits takes a seat, tries once more, and sleeps until it is woken; who releases wakes one, unless one is
 * under way. Who is overdue (at any time, here) becomes the heir and reserves the lock: then only the heir may take it. Those that
 * sleep hear of each death, one by one, at any time after it.
 *
 * With STOPS that many of those that wait are away: they are not dead, nobody is told, and they never look again. Those that wait then
 * look by the clock too: at any time once, else when nothing else happens. Who was woken and has not looked is taken for away.
 *
 * Held: one is inside, unless the other one inside is dead, which is told to the next; everybody alive comes to his end (no invalid end
 * state), also when others give up waiting.
 */
#ifndef PARTIES
#define PARTIES 3
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef GIVEUPS
#define GIVEUPS 1
#endif

#ifndef STOPS
#define STOPS 0
#endif

#define idle 0
#define waiting 1
#define woken 2

byte owner;                   /* the word: its owner, */
bool reserved;                /* and whether it is reserved */
byte heir;
byte entered, last;           /* how often somebody entered; the number of one of them, 0: nobody waits */
byte state[PARTIES + 1];      /* of the seats */
bool vacant[PARTIES + 1];     /* its party was found dead */
bool rung[PARTIES + 1];
bool dead[PARTIES + 1];
byte inside;
byte kills, giveups, stops, looks;

/* What a party knows of the dead: a bit each. */
byte known[PARTIES + 1];
#define knows(p) (known[me] & (1 << (p)))
/* Whether what is kept for a party is another's. */
#define isGone(p) ((aware && knows(p)) || (away & (1 << (p))))

/* What is of no use any more would only make states differ. */
inline forget() { d_step { seen = 0; seenReserved = false; h = 0; e = 0; found = 0; s = 0; i = 0; may = false } }

/* Between any two accesses a party may be gone. Those that live have it still to hear. */
inline step() {
  if
  :: atomic {
       kills < KILLS -> kills++; dead[me] = true;
       i = 1; do :: i <= PARTIES -> rung[i] = true; i++ :: else -> break od;
       goto gone
     }
  :: true
  fi
}

/* Tries once; `won`, and `told` when it was taken over. With `aware` it asks who is dead. */
inline try(aware) {
  won = false; told = false;
  do
  :: step();
     atomic { seen = owner; seenReserved = reserved };
     may = false;
     if
     :: seen != 0 && seen != me && aware && knows(seen) -> may = true
     :: seen == 0 && !seenReserved -> may = true
     :: seen == 0 && seenReserved ->
        step();
        h = heir;
        may = (h == 0 || h == me || isGone(h))
     :: else
     fi;
     if
     :: may ->
        step();
        atomic {
          if
          :: owner == seen && reserved == seenReserved -> owner = me; reserved = false; won = true
          :: else
          fi
        };
        if
        :: !won -> skip
        :: won ->
           told = (seen != 0);
           if
           :: seen != 0 || seenReserved ->
              step();
              h = heir;
              if
              :: h == me || (h != 0 && isGone(h)) -> step(); atomic { if :: heir == h -> heir = 0 :: else fi }
              :: else
              fi
           :: else
           fi;
           break
        fi
     :: else ->
        if
        :: break
        :: /* It is overdue: it becomes the heir. */
           step();
           h = heir;
           if
           :: h == me
           :: h == 0 || (h != me && isGone(h)) ->
              step();
              atomic { if :: heir == h -> heir = me; h = me :: else fi }
           :: else
           fi;
           if
           :: h != me || seenReserved -> break
           :: else ->
              step();
              atomic {
                if
                :: owner == seen && reserved == seenReserved -> reserved = true; h = me; may = true
                :: else
                fi
              };
              if :: may -> may = false; break :: else fi
           fi
        fi
     fi
  od;
  forget()
}

/* Wakes one of those that wait, unless one is under way. */
inline notify() {
  step();
  if
  :: last == 0
  :: else ->
    do
    :: step();
       e = last; found = 0; i = 1;
       do
       :: i <= PARTIES ->
          step1();
          if
          :: state[i] == woken && !vacant[i] -> found = 255; break
          :: state[i] == waiting && !vacant[i] && found == 0 -> found = i
          :: else
          fi;
          i++
       :: else -> break
       od;
       if
       :: found == 255 -> break
       :: found == 0 -> step(); atomic { if :: last == e -> last = 0 :: else fi }; break
       :: else ->
          step();
          atomic {
            if
            :: state[found] == waiting -> state[found] = woken; may = !vacant[found]
            :: else -> may = false
            fi
          };
          if
          :: may -> may = false; step(); rung[found] = true; break
          :: else
          fi
       fi
    od
  fi;
  forget()
}

/* A look at a seat: to die at one is to die at the next. */
inline step1() { skip }

inline release() {
  step();
  atomic {
    may = (owner == me && !reserved);
    if :: may -> owner = 0 :: else fi
  };
  if
  :: may -> may = false; notify()
  :: else ->
     step();
     atomic { found = (reserved -> 1 : 2); owner = 0 };
     if
     :: found == 2 -> notify()
     :: else ->
        step();
        h = heir; may = false;
        if
        :: h != 0 && !vacant[h] ->
           step();
           atomic {
             if
             :: state[h] == woken -> may = true; found = 0
             :: state[h] == waiting -> state[h] = woken; may = true; found = 1
             :: else
             fi
           };
           if
           :: may && found == 1 -> step(); rung[h] = true
           :: else
           fi
        :: else
        fi;
        if
        :: may -> may = false
        :: else -> step(); reserved = false; notify()
        fi
     fi
  fi
}

inline enter() {
  step();
  atomic { s = state[me]; state[me] = waiting };
  if
  :: s != waiting ->
     step();
     atomic { entered++; e = entered };
     step();
     last = e; e = 0
  :: else
  fi;
  /* It looks out for the others from now on: it hears of those that it does not know to be dead. */
  atomic {
    i = 1;
    do
    :: i <= PARTIES -> if :: dead[i] && !knows(i) -> rung[me] = true :: else fi; i++
    :: else -> break
    od
  }
}

/* The wake that was spent on it before it tried was for this try; a later one is another's. */
inline leave() {
  step();
  atomic { s = state[me]; state[me] = idle };
  /* It is not the heir any more. */
  step();
  if
  :: heir == me ->
     step();
     atomic { may = (heir == me); if :: may -> heir = 0 :: else fi };
     if
     :: may ->
        may = false;
        step();
        atomic { found = (owner == 0 && reserved -> 1 : 0); reserved = false };
        if :: found == 1 -> notify() :: else fi
     :: else
     fi
  :: else
  fi;
  if
  :: s == woken && !spent -> notify()
  :: else
  fi;
  spent = false; inSeat = false;
  forget()
}

/* It hears of all deaths so far, and empties their seats. */
inline hear() {
  atomic {
    i = 1;
    do
    :: i <= PARTIES ->
       if :: dead[i] -> known[me] = known[me] | (1 << i); vacant[i] = true :: else fi;
       i++
    :: else -> break
    od
  }
}

/* Those that were woken, and have not looked since. */
inline findAway() {
  away = 0; i = 1;
  do
  :: i <= PARTIES -> if :: i != me && state[i] == woken && !vacant[i] -> away = away | (1 << i) :: else fi; i++
  :: else -> break
  od;
  i = 0
}

proctype Party(byte me) {
  byte round, seen, h, i, e, found, s, away;
  bool seenReserved, may, won, told, spent, inSeat;
  do
  :: round == ROUNDS -> break
  :: else ->
     inSeat = false; spent = false;
     try(false);
     do
     :: won -> break
     :: else ->
        enter();
        inSeat = true; spent = false;
        try(true);
        if
        :: won -> break
        :: else
        fi;
        if
        :: atomic { rung[me] -> rung[me] = false };
           hear();
           step();
           spent = (state[me] == woken);
           try(false)
#if STOPS
        :: atomic { stops < STOPS -> stops++ };
           goto done
        :: atomic { looks < 1 -> looks++; findAway() };
           look:
           step();
           spent = (state[me] == woken);
           try(false);
           if :: won -> away = 0; break :: else fi;
           enter();
           spent = false;
           try(true);
           away = 0;
           if :: won -> break :: else fi
        :: atomic { timeout -> findAway() };
           goto look
#endif
        :: atomic { giveups < GIVEUPS && !rung[me] -> giveups++ };
           /* Its time is over: it looks once more, and leaves. */
           spent = false;
           step();
           spent = (state[me] == woken);
           try(false);
           if :: won -> break :: else fi;
           spent = false;
           leave();
           goto next
        fi
     od;
     /* Who has it leaves the seat as the heir of nothing. */
     if :: inSeat -> leave() :: else fi;
     atomic {
       assert(inside == 0 || dead[inside]);
       assert(inside == 0 || told);
       inside = me
     };
     step();
     assert(inside == me);
     inside = 0;
     release();
     next:
     round++
  od;
  goto done;
gone:
  skip;
done:
  skip
}

init {
  byte p = 1;
  atomic {
    do
    :: p <= PARTIES -> run Party(p); p++
    :: else -> break
    od
  }
}
