// The least that a process can do: CommonJS, since that starts sooner than an ES module.
process.stdout.write('1');
