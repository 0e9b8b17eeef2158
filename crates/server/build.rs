//! Gathers the built web app, `web/dist`, into the program: each file, and its compressed forms that lie beside it.
//!
//! Where the app was not built the list is empty, and the program says how to build it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let dist = Path::new(&variable("CARGO_MANIFEST_DIR")).join("../../web/dist");
    // Cargo can only watch what is there: an app that is built later must be seen then. Where nothing may be written,
    // nobody will build it there either.
    let _ = fs::create_dir_all(&dist);
    println!("cargo:rerun-if-changed={}", dist.display());
    let dist = dist.canonicalize().unwrap_or(dist);
    let mut files = Vec::new();
    if dist.join("index.html").is_file() {
        gather(&dist, &mut files)?;
    }
    files.sort();
    let mut list = String::from("&[\n");
    for file in files.iter().filter(|file| !is_compressed(file)) {
        let name = file.strip_prefix(&dist).map_err(io::Error::other)?;
        let beside = |ending: &str| {
            let packed = PathBuf::from(format!("{}.{ending}", file.display()));
            if files.contains(&packed) {
                format!("Some(include_bytes!({}))", literal(&packed))
            } else {
                "None".to_owned()
            }
        };
        writeln!(
            list,
            "Embedded {{ name: {}, plain: include_bytes!({}), brotli: {}, gzip: {} }},",
            literal(name),
            literal(file),
            beside("br"),
            beside("gz"),
        )
        .map_err(io::Error::other)?;
    }
    list.push(']');
    fs::write(Path::new(&variable("OUT_DIR")).join("web_app.rs"), list)
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            gather(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// The path as it stands in a program's text.
fn literal(path: &Path) -> String {
    let text = path.display().to_string();
    format!("{text:?}")
}

fn is_compressed(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending == "br" || ending == "gz")
}

fn variable(name: &str) -> String {
    env::var(name).expect("cargo sets it")
}
