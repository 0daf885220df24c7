import { PythonManager } from 'manycore/managers';
import { testClean } from '../../matrix.ts';
import { authKey, type PythonServer, pythons, servePython } from './server.ts';

/** A test with a client of a Python server, once for each Python that is here; skipped where there is none. */
export function testPython(
  name: string,
  body: (manager: PythonManager, server: PythonServer) => Promise<void>,
  Class: typeof PythonManager = PythonManager,
): void {
  if (pythons.length === 0) testClean(name, { skip: 'python3 is not installed' }, () => {});
  for (const python of pythons)
    testClean(`${name}, Python ${python.version}`, {}, async () => {
      await using server = await servePython(python);
      await using manager = await Class.connect(server.address, { authKey, legacy: python.legacy });
      await body(manager, server);
    });
}
