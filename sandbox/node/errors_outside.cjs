'use strict';
// Hints for failures of what a function talks to: names, connections, TLS, mail, databases, answers.

const LOOPBACK = /^(?:127\.|::1$|::ffff:127\.|localhost$|0\.0\.0\.0$|::$)/;

const where = ({ address, hostname, port }) =>
  [hostname ?? address, port].filter(Boolean).join(':') || 'the server';

const hostOf = ({ hostname, message }) => hostname ?? /ENOTFOUND (\S+)/.exec(message)?.[1] ?? 'of the server';

function refused(link) {
  if (!LOOPBACK.test(link.address ?? link.hostname ?? '')) {
    return `Nothing accepts connections at ${where(link)}. Check the host and the port, and that the server is running.`;
  }
  return (
    `${link.address ?? link.hostname} is the sandbox itself: the loopback of the machine that HexaSched runs on is closed. ` +
    'Use the server’s network name (is the variable that holds it set?), or let the operator add ' +
    `${link.port ?? 'the port'} to the setting sandbox.loopback_ports.`
  );
}

function unreachable(link) {
  if (/^(?:169\.254\.|fe80:)/i.test(link.address ?? '')) {
    return `${link.address} is an address of the machine’s own link, such as the metadata of a cloud. It is closed for functions. Give the function a key of its own in a variable.`;
  }
  return `There is no way from the sandbox to ${where(link)}. The function is kept away from the network (under Limits), or the machine has no way there itself, or the operator has closed private networks (sandbox.block_private).`;
}

const OWN_CERTIFICATE =
  'The server’s certificate is not signed by an authority that Node.js knows. Give its authority’s certificate in the `ca` option of the connection.';

// A rule holds when the error's code is one of `codes` (if given) and `match` finds its message (if given).
const OUTSIDE = [
  // Names and connections
  {
    codes: ['ENOTFOUND'],
    hint: (link) =>
      `DNS does not know the name ${hostOf(link)}. Check its spelling, and the variable that it comes from.`,
  },
  {
    codes: ['EAI_AGAIN', 'EAI_FAIL', 'ESERVFAIL', 'EDNS'],
    hint: 'No DNS server answered. Try again later; if it stays so, the machine that HexaSched runs on has no network or no DNS server.',
  },
  { codes: ['ECONNREFUSED'], hint: refused },
  {
    codes: ['ETIMEDOUT', 'ESOCKETTIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT'],
    hint: (link) =>
      `No answer from ${where(link)} in time. Check host and port (mail servers take 587 or 465; many networks block 25), and whether a firewall is between.`,
  },
  {
    codes: ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'ECONNABORTED'],
    hint: 'The other side closed the connection. If it happens now and then, let the CronJob retry; if always, check port, protocol and TLS.',
  },
  {
    codes: ['EHOSTUNREACH', 'ENETUNREACH'],
    hint: unreachable,
  },
  {
    codes: ['EADDRINUSE'],
    hint: 'Another run of this workspace listens on that port. Listen on port 0, which gives a free one.',
  },
  // TLS
  {
    match: /self[- ]signed certificate|unable to (?:verify the first|get (?:local )?issuer) certificate/,
    hint: OWN_CERTIFICATE,
  },
  {
    match: /certificate has expired/,
    hint: 'The server’s certificate has expired. Its owner has to renew it.',
  },
  {
    match: /does not match certificate's altnames/,
    hint: 'The server’s certificate is for another name. Connect by the name that the certificate is for.',
  },
  {
    match: /wrong version number|packet length too long|ERR_SSL_/i,
    hint: 'One side speaks TLS and the other does not. For mail: port 465 needs secure: true, port 587 needs secure: false.',
  },
  {
    match: /does not match the HTTP\/1\.1 protocol|^Parse Error: Expected HTTP/,
    hint: 'What answers there does not speak HTTP. Check the port, and whether the address begins with the right http:// or https://.',
  },
  {
    match: /^unknown scheme/,
    hint: 'fetch speaks http:// and https:// only. Use a package for other protocols.',
  },
  // Mail
  {
    codes: ['EAUTH'],
    match: /Missing credentials/i,
    hint: 'No user or password was given to the mail server. Is the variable that holds it set?',
  },
  {
    codes: ['EAUTH'],
    hint: 'The mail server refused the user or the password. Check the variables that hold them; many providers want an app password here.',
  },
  {
    codes: ['EENVELOPE'],
    hint: 'The mail server refused the sender or a recipient. Check the addresses in from and to.',
  },
  {
    codes: ['ESOCKET', 'ECONNECTION', 'ETLS'],
    hint: 'The mail server could not be spoken to. Check host, port and secure: port 465 needs secure: true, port 587 secure: false.',
  },
  // Databases
  {
    codes: ['28P01', '28000', 'ER_ACCESS_DENIED_ERROR'],
    hint: 'The database refused the user or the password. Check the variables that hold them.',
  },
  {
    codes: ['3D000', 'ER_BAD_DB_ERROR'],
    hint: 'The database server has no database of that name. Check the connection string.',
  },
  {
    codes: ['42P01', 'ER_NO_SUCH_TABLE'],
    hint: 'The database has no table of that name. Check the name, the schema and which database this is.',
  },
  // Data
  {
    match: /Unexpected token '?<'?.*JSON|<!DOCTYPE/i,
    hint: 'A server answered with an HTML page where JSON was expected. Check response.ok and the address before response.json().',
  },
  {
    match: /is not valid JSON|in JSON at position|Unexpected end of JSON input/,
    hint: 'The text is not JSON. Print its beginning to see what came instead.',
  },
  {
    codes: ['ERR_INVALID_URL'],
    hint: 'The text is not a complete address. It needs its beginning, such as https://; is the variable that it comes from set?',
  },
  {
    codes: ['ERR_INVALID_ARG_TYPE'],
    match: /Received undefined/,
    hint: 'A value is undefined where one is needed. A variable that is not set gives undefined.',
  },
  {
    match: /^Body is unusable|body used already/,
    hint: 'The body of a response can be read only once. Keep what response.json() or response.text() gave.',
  },
  {
    codes: ['ERR_INVALID_CHAR'],
    hint: 'A header has a character that is not allowed, often the line end behind a key. Use value.trim().',
  },
  {
    match: /^Headers\.\w+: .* is an invalid header/s,
    hint: 'A header has a character that is not allowed, often the line end behind a key. Use value.trim().',
  },
  {
    match: /DECODER routines|PEM routines|asn1 encoding routines/,
    hint: 'The key or certificate is not in PEM form. In a variable its line ends are often written as \\n: use key.replaceAll("\\\\n", "\\n").',
  },
  {
    match: /^Request failed with status code 40[13]/,
    hint: 'The server refused the key or the rights. Check the variable that holds the key.',
  },
];

module.exports = { OUTSIDE };
