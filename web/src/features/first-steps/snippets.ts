/** Programs that send readings, with the user's own values in them: to copy and run as they are. */

import example from '../../../../crates/client/examples/first_steps.rs?raw';

export interface Values {
  /** Such as `https://iot.example:8443`, without a slash at its end. */
  server: string;
  project: number;
  token: string;
  device: string;
}

export interface Snippet {
  id: 'python' | 'rust' | 'curl' | 'cli' | 'arduino';
  label: string;
  /** What must be there first; a command, if it is one. */
  before?: { words: string; command?: string };
  /** What the text is: what it is saved as, or where it is pasted. */
  place: string;
  text: string;
  /** What to know about it. */
  after: string;
}

/** Within quotes of Python, Rust, C++ and JSON. */
const quoted = (text: string) => JSON.stringify(text);
/** Within single quotes of a shell. */
const shell = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

function python({ server, project, token, device }: Values): string {
  return `import math, time
from iobeam import iobeam

client = iobeam.ClientBuilder(${project}, ${quoted(token)}) \\
    .setBackend(${quoted(`${server}/v1/`)}) \\
    .registerOrSetId(${quoted(device)}) \\
    .build()
conditions = client.createDataStore(["temperature", "humidity"])

while True:
    now = int(time.time() * 1000)
    conditions.add(iobeam.Timestamp(now), {
        "temperature": round(21 + 2 * math.sin(now / 20000), 2),
        "humidity": round(40 + 5 * math.sin(now / 47000), 1),
    })
    client.send()
    print("one more reading is stored")
    time.sleep(1)
`;
}

/** The example that is built with the client, so that what is shown here is known to compile. */
function rust({ server, project, token, device }: Values): string {
  const program = example.slice(example.indexOf('\nuse ') + 1);
  const values = { '1, "token"': `${project}, ${quoted(token)}`, '"http://localhost:8420"': quoted(server), '"thermometer"': quoted(device) };
  return Object.entries(values).reduce((text, [place, value]) => text.replace(place, () => value), program);
}

function curl({ server, project, token, device }: Values): string {
  return `SERVER=${shell(server)}
TOKEN=${shell(token)}

# Once: register the device.
curl -sS "$SERVER/v1/devices" -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\
  -d '{"project_id":${project},"device_id":${quoted(device)}}'

# Each time: send a row. The time is in milliseconds since 1970.
curl -sS "$SERVER/v1/imports?fmt=table" -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\
  -d '{"project_id":${project},"device_id":${quoted(device)},"sources":{"fields":["time","temperature","humidity"],"data":[['$(date +%s)'000,21.5,40]]}}'
`;
}

function cli({ server, project, token, device }: Values): string {
  return `export IOBEAM_BACKEND=${shell(server)}
export IOBEAM_TOKEN=${shell(token)}

# Once: register the device.
iobeam device create --project-id ${project} --id ${shell(device)}

# Each time: send a row.
iobeam import --project-id ${project} --device ${shell(device)} --fields temperature,humidity --values 21.5,40
`;
}

function arduino({ server, project, token, device }: Values): string {
  return `#include <WiFi.h>          // ESP8266: <ESP8266WiFi.h>
#include <HTTPClient.h>    // ESP8266: <ESP8266HTTPClient.h>

const char* WIFI_NAME = "your network";
const char* WIFI_PASSWORD = "its password";
const String SERVER = ${quoted(server)};
const String TOKEN = ${quoted(token)};

// Sends a body, or asks when there is none; gives the reply.
String call(const String& path, const String& body) {
  HTTPClient http;
  http.begin(SERVER + path);
  http.addHeader("Authorization", "Bearer " + TOKEN);
  http.addHeader("Content-Type", "application/json");
  int status = body.length() ? http.POST(body) : http.GET();
  String reply = status > 0 ? http.getString() : http.errorToString(status);
  http.end();
  Serial.println(path + " " + status + " " + reply);
  return reply;
}

void setup() {
  Serial.begin(115200);
  WiFi.begin(WIFI_NAME, WIFI_PASSWORD);
  while (WiFi.status() != WL_CONNECTED) delay(250);
  call("/v1/devices", R"({"project_id":${project},"device_id":${quoted(device)}})");
}

void loop() {
  // A board has no clock of its own: the server tells the time.
  String reply = call("/v1/devices/timestamp", "");
  String now = reply.substring(reply.indexOf(':') + 1, reply.lastIndexOf('}'));
  float temperature = 21.5;  // Read your sensor here.
  if (reply.startsWith("{\\"server_timestamp\\"")) {
    call("/v1/imports?fmt=table", String(R"({"project_id":${project},"device_id":${quoted(device)},"sources":{"fields":["time","temperature"],"data":[[)")
      + now + "," + String(temperature, 2) + "]]}}");
  }
  delay(5000);
}
`;
}

/** All of them, in the order of the tabs. */
export function snippets(values: Values): Snippet[] {
  return [
    {
      id: 'python',
      label: 'Python',
      before: { words: 'Once, in a shell (on Windows the second line is venv\\Scripts\\activate):', command: "python3 -m venv venv\n. venv/bin/activate\npip install iobeam==0.11.0 'pyjwt<2.11'" },
      place: 'Save it as thermometer.py and run it in the same shell: python thermometer.py',
      text: python(values),
      after: 'It makes up a temperature and a humidity each second until you stop it. The package of this platform, in the folder python of its sources, runs it as well and adds a spool that survives a power cut.',
    },
    {
      id: 'rust',
      label: 'Rust',
      before: { words: 'The crate is in the platform\'s sources, in crates/client. In a new package:', command: 'cargo add iobeam --path ../iobeam/crates/client' },
      place: 'Save it as src/main.rs and run: cargo run',
      text: rust(values),
      after: 'With .spool("spool") in the builder, readings survive a power cut and a week without network.',
    },
    {
      id: 'curl',
      label: 'curl',
      place: 'Paste it into a shell',
      text: curl(values),
      after: 'Whatever can send an HTTP request can send readings; the reply says how many rows are stored.',
    },
    {
      id: 'cli',
      label: 'Command',
      place: 'Paste it into a shell',
      text: cli(values),
      after: 'The command iobeam is the program that this server runs as. It also imports CSV files: iobeam import --csv readings.csv --device bench-3',
    },
    {
      id: 'arduino',
      label: 'Arduino',
      before: { words: 'For an ESP32 or ESP8266 with its board package. Fill in your network.' },
      place: 'Paste it into a new sketch',
      text: arduino(values),
      after: values.server.startsWith('https:')
        ? 'An ESP32 checks the server\'s certificate only if it is given the one that vouches for it: http.begin(url, certificate).'
        : 'The serial monitor, at 115200 baud, shows each reply.',
    },
  ];
}

/** Why a device on another machine cannot use this address, if it cannot. */
export function unreachable(server: string): string {
  const host = new URL(server).hostname;
  if (!/^(localhost|127\..*|\[::1\]|.*\.localhost)$/.test(host)) return '';
  return `${host} is this machine. For devices elsewhere, start the server with --listen 0.0.0.0:8420 and open this page under its name in the network.`;
}
