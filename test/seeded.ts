import fc from 'fast-check';

/** The same cases in each run, so that none fails by chance; `FRESH=1` for others. */
if (process.env['FRESH'] === undefined) fc.configureGlobal({ seed: 20_261_121 });
