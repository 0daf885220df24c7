import { InternalError } from '../errors.ts';
import { anyArguments } from './anything.ts';
import { holdDebugger, type Location, post, withMailbox } from './inspector.ts';

/**
 * Looks at a function from within: enters it under a breakpoint whose condition evaluates an expression in its scope and
 * then terminates the execution, so that not one statement of it runs. The only way to a lexical `this`, and to an
 * accessor that sees variables as they are now.
 */

/** What `expression` gives at the start of the body of `fn`, which lies between two places of its script. */
export function probe(fn: object, expression: string, start: Location, end: Location): unknown {
  holdDebugger();
  return withMailbox({ fn, args: anyArguments, post, hit: false }, (mailbox, box) => {
    // Not `callFunctionOn`: terminating that ends the process, while `evaluate` contains it.
    const condition =
      `(b=>{if(b.hit)return false;b.hit=true;try{b.value=(${expression})}catch(e){b.error=e}` +
      `b.post('Runtime.terminateExecution');return false})(${mailbox})`;
    const { locations = [] } = post('Debugger.getPossibleBreakpoints', { start, end, restrictToFunction: true });
    const location = locations[0];
    if (location === undefined) throw new InternalError('There is no place to stop in this function.');
    const { breakpointId, actualLocation } = post('Debugger.setBreakpoint', { location, condition });
    try {
      if (actualLocation === undefined || isBefore(actualLocation, start))
        throw new InternalError('There is no place to stop in this function.');
      post('Runtime.evaluate', { expression: `${mailbox}.fn(...${mailbox}.args)`, timeout: 10_000, silent: true });
    } catch (error) {
      if (!box['hit']) throw error;
    } finally {
      post('Debugger.removeBreakpoint', { breakpointId });
    }
    if (box['error'] !== undefined) throw box['error'];
    if (!box['hit']) throw new InternalError('The function did not get to its body.');
    return box.value;
  });
}

function isBefore(a: Location, b: Location): boolean {
  return a.lineNumber < b.lineNumber || (a.lineNumber === b.lineNumber && a.columnNumber < b.columnNumber);
}
