// Node does not tell the numbers of its handles, but `stdio` makes descriptors, and handoff passes on the descriptors that
// it was given itself: descriptor 3 of the command is a pipe of this program.
const { spawn } = require('child_process');

const child = spawn('handoff', ['--', 'perl', '-e', "open F, '>&=3'; print F 'ready'"],
    { stdio: ['ignore', 'inherit', 'inherit', 'pipe'] });
child.stdio[3].on('data', text => console.log(`descriptor 3 said ${text}`));
child.on('exit', code => console.log(`exit code ${code}`));
