const actions = new Set<() => void>();
let listening = false;

/** Has `action` run when the program ends; the function returned revokes that. One listener serves all pools. */
export function atExit(action: () => void): () => void {
  actions.add(action);
  if (!listening) {
    listening = true;
    process.on('exit', () => {
      for (const each of actions) each();
    });
  }
  return () => void actions.delete(action);
}
