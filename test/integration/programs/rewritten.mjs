// Where coverage is measured this file is rewritten: what travels from here counts its own lines, with variables it did not have.
const factor = Number('3');

export const tripled = (pool, items) =>
  pool.map((x) => {
    if (x < 0) return -x * factor;
    return x * factor;
  }, items);
