//! A token that this platform did not sign, or signed otherwise, opens nothing.

use std::process::Command;

use iobeam_promises::{Platform, python_with};
use serde_json::{Value as Json, json};

/// Makes tokens with a library that is not ours: claims in, tokens out, a line each.
const FORGE: &str = "
import base64, json, sys, jwt
claims = json.loads(sys.argv[1])
token = sys.argv[2]
def part(value): return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b'=').decode()
head, body, signature = token.split('.')
print(part({'typ': 'JWT', 'alg': 'none'}) + '.' + body + '.')
print(part({'typ': 'JWT', 'alg': 'none'}) + '.' + body + '.' + signature)
print(part({'typ': 'JWT', 'alg': 'RS256'}) + '.' + body + '.' + signature)
for key in ['', 'secret', 'iobeam', 'x' * 32]:
    print(jwt.encode(claims, key or ' ', algorithm='HS256'))
for change in [{'pms': 7, 'id': 1}, {'exp': 'never'}, {'exp': None}, {'exp': 9e99}, {'exp': -1}, {'pid': 999}]:
    print(head + '.' + part({**claims, **change}) + '.' + signature)
print(head + '.' + part({k: v for k, v in claims.items() if k != 'exp'}) + '.' + signature)
print(jwt.encode(claims, 'x' * 64, algorithm='HS512', headers={'kid': '../../dev/null'}))
print('A' * 6_000)
print(token + 'A')
print(token[:-1])
print('.'.join([head, body]))
print('..')
";

#[test]
fn a_forged_token_is_401_and_the_true_one_goes_on_working() {
    let platform = Platform::start();
    let account = platform.account();
    let python = python_with("forge", &["pyjwt==2.10.1"]);
    for token in [&account.token, &account.user_token] {
        let claims = claims(token);
        let output = Command::new(&python)
            .args(["-W", "ignore", "-c", FORGE, &claims.to_string(), token])
            .output()
            .expect("python runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let forged = String::from_utf8(output.stdout).expect("text");
        assert!(forged.lines().count() > 15, "{forged}");
        for forged in forged.lines() {
            for path in ["/v1/devices", "/v1/projects", "/v1/data/input/all"] {
                let reply = platform.get(path, Some(forged));
                assert_eq!(reply.status, 401, "{path} with {}", &forged[..forged.len().min(200)]);
            }
            let refresh =
                platform.post("/v1/tokens/project", None, &json!({"refresh_token": forged}));
            assert!(matches!(refresh.status, 400 | 401), "{}: {}", refresh.status, refresh.body);
        }
    }
    platform.get("/v1/devices", Some(&account.token)).expect_status(200);
    platform.get("/v1/projects", Some(&account.user_token)).expect_status(200);
}

/// What a token says, read as anybody can.
fn claims(token: &str) -> Json {
    let code = "import base64, sys; b = sys.argv[1].split('.')[1]; print(base64.urlsafe_b64decode(b + '=' * (-len(b) % 4)).decode())";
    let output = Command::new("python3").args(["-c", code, token]).output().expect("python runs");
    serde_json::from_slice(&output.stdout).expect("claims are JSON")
}
