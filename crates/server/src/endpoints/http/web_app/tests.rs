//! Files as browsers ask for them.

use http::StatusCode;
use http::header::{CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName};
use http_body_util::BodyExt as _;

use super::*;

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| {
            let name: HeaderName = name.parse().expect("a name");
            (name, value.parse().expect("a value"))
        })
        .collect()
}

/// An app of a few files in a folder, with one beside it that is nobody's business.
fn app() -> (tempfile::TempDir, WebApp) {
    let outer = tempfile::tempdir().expect("a folder");
    let dist = outer.path().join("dist");
    std::fs::create_dir_all(dist.join("assets")).expect("made");
    let long = "let a = 1;\n".repeat(100);
    for (name, content) in [
        ("index.html", "<!doctype html>the app"),
        ("favicon.svg", "<svg/>"),
        (".secret", "no"),
        ("assets/app-1a2b.js", &*long),
        ("assets/app-1a2b.js.br", "brotli"),
        ("assets/app-1a2b.js.gz", "gzip"),
    ] {
        std::fs::write(dist.join(name), content).expect("written");
    }
    std::fs::write(outer.path().join("outside.txt"), "no").expect("written");
    std::os::unix::fs::symlink("../outside.txt", dist.join("link.txt")).expect("linked");
    let app = WebApp::open(Some(&dist)).expect("opened");
    (outer, app)
}

async fn get(app: &WebApp, path: &str, pairs: &[(&str, &str)]) -> Option<(Response, String)> {
    let mut reply = app.answer(&Method::GET, path, &headers(pairs)).await?;
    let body = reply.body_mut().collect().await.expect("a body").to_bytes();
    Some((reply, String::from_utf8_lossy(&body).into_owned()))
}

const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml");

#[tokio::test]
async fn each_path_of_the_app_is_its_page_and_each_file_is_itself() {
    let (_folder, app) = app();
    assert!(app.is_there());
    for path in ["/", "/projects", "/p/12/devices/a:b", "/index.html", "/%2e%2e/outside.txt"] {
        let (reply, text) = get(&app, path, &[HTML]).await.expect("there");
        assert_eq!(text, "<!doctype html>the app", "{path}");
        assert_eq!(reply.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(reply.headers()[CACHE_CONTROL], "no-cache");
        let policy = reply.headers()[CONTENT_SECURITY_POLICY].to_str().expect("ascii");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; "), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
        assert_eq!(reply.headers()["x-content-type-options"], "nosniff");
        assert_eq!(reply.headers()["referrer-policy"], "no-referrer");
        assert_eq!(reply.headers()["cross-origin-opener-policy"], "same-origin");
    }
    assert!(get(&app, "/", &[]).await.is_some(), "also for those who say nothing");
    let (reply, text) = get(&app, "/favicon.svg", &[HTML]).await.expect("there");
    assert_eq!(
        (text.as_str(), &reply.headers()[CONTENT_TYPE]),
        ("<svg/>", &"image/svg+xml"[..].parse().expect("a value"))
    );
}

#[tokio::test]
async fn what_is_no_page_and_no_file_is_left_to_the_api() {
    let (_folder, app) = app();
    for path in ["/projects", "/outside.txt", "/x.js", "/.secret", "/link.txt"] {
        assert!(get(&app, path, &[("accept", "*/*")]).await.is_none(), "{path}");
    }
    for path in ["/v1", "/v1/nothing", "/assets/app-old.js", "/assets"] {
        let found = get(&app, path, &[HTML]).await.map(|(_, text)| text);
        assert!(found.is_none() || path == "/assets", "{path}: {found:?}");
    }
    let posted = app.answer(&Method::POST, "/", &headers(&[HTML])).await;
    assert!(posted.is_none());
}

#[tokio::test]
async fn no_path_leads_out_of_the_folder() {
    let (_folder, app) = app();
    for path in [
        "/../outside.txt",
        "/assets/../../outside.txt",
        "/.",
        "//etc/passwd",
        "/link.txt",
        "/assets/..\\x",
    ] {
        let found = get(&app, path, &[]).await.map(|(_, text)| text);
        assert_eq!(found, None, "{path}");
    }
}

#[tokio::test]
async fn a_file_comes_in_the_form_that_the_browser_takes_and_is_kept_for_ever() {
    let (_folder, app) = app();
    let path = "/assets/app-1a2b.js";
    let mut tags = Vec::new();
    for (accepted, encoding, begins) in [
        ("gzip, deflate, br, zstd", Some("br"), "brotli"),
        ("gzip, br;q=0", Some("gzip"), "gzip"),
        ("GZIP;q=0.5", Some("gzip"), "gzip"),
        ("br;q=0.0, gzip; q=0", None, "let a"),
        ("brotli", None, "let a"),
        ("", None, "let a"),
    ] {
        let (reply, text) = get(&app, path, &[("accept-encoding", accepted)]).await.expect("there");
        let found =
            reply.headers().get(CONTENT_ENCODING).map(|value| value.to_str().expect("ascii"));
        assert_eq!(found, encoding, "{accepted}");
        assert!(text.starts_with(begins), "{accepted}: {text}");
        assert_eq!(reply.headers()[CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert_eq!(reply.headers()["vary"], "Accept-Encoding");
        tags.push(reply.headers()[ETAG].to_str().expect("ascii").to_owned());
    }
    assert_ne!(tags[0], tags[1], "each form has a tag of its own");
    for (tag, status) in [
        (tags[0].clone(), StatusCode::NOT_MODIFIED),
        (format!("\"x\", W/{}", tags[0]), StatusCode::NOT_MODIFIED),
        (tags[1].clone(), StatusCode::OK),
    ] {
        let asked = [("accept-encoding", "br"), ("if-none-match", &*tag)];
        let (reply, text) = get(&app, path, &asked).await.expect("there");
        assert_eq!((reply.status(), text.is_empty()), (status, status == StatusCode::NOT_MODIFIED));
        assert_eq!(reply.headers()[ETAG], tags[0]);
    }
}

#[tokio::test]
async fn an_app_that_was_not_built_says_how_to_build_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let app = WebApp::open(Some(folder.path())).expect("opened");
    assert!(!app.is_there());
    let (reply, text) = get(&app, "/signin", &[HTML]).await.expect("a page");
    assert!(text.contains("npm --prefix web run build") && text.contains("--web-dir"), "{text}");
    assert!(!text.contains("<script") && !text.contains("style="), "the policy allows neither");
    assert_eq!(reply.headers()[CACHE_CONTROL], "no-store");
    assert!(reply.headers().contains_key(CONTENT_SECURITY_POLICY));
    assert!(get(&app, "/assets/x.js", &[]).await.is_none());
    WebApp::open(Some(&folder.path().join("nothing"))).expect_err("no such folder");
}
