//! Whose certificate opens the door, and files that make no door.

use super::*;

#[test]
fn without_the_right_certificate_nobody_comes_to_speak() {
    if no_curl() {
        return;
    }
    let lab = Lab::usual();
    let other = Authority::new("another");
    let strangers = [
        (None, "no-certificate"),
        (Some(other.client("stranger", 5)), "certificate"),
        (Some(lab.authority.expired(ExtendedKeyUsagePurpose::ClientAuth)), "certificate"),
        // Of the same authority, but for servers.
        (Some(lab.authority.server()), "certificate"),
    ];
    let mut certificates = 0;
    for (client, cause) in &strangers {
        for version in [&["--tls-max", "1.2"][..], &["--tlsv1.3"]] {
            let arguments = [&["--data-binary", REGISTER][..], version].concat();
            assert!(lab.curl(client.as_ref(), &arguments, "/push/pl-hazard").failed);
        }
        certificates += u64::from(*cause == "certificate") * 2;
    }
    // The client hears of it before it is counted.
    wait_until("all counted", || (lab.refused("no-certificate"), lab.refused("certificate")) == (2, certificates));
    assert_eq!(lab.taken(), 0);
    assert_eq!(lab.post(REGISTER).status, 200);
}

#[test]
fn a_fingerprint_opens_the_door_to_one_certificate() {
    if no_curl() {
        return;
    }
    let elsewhere = Authority::new("whoever");
    let known = elsewhere.client("known", 1);
    let unknown = elsewhere.client("unknown", 2);
    let lab = Lab::new(|_, config| config.clients = Clients::Fingerprints(vec![known.sha256]));
    let post = |client| lab.curl(client, &["--data-binary", REGISTER], "/push/pl-hazard");
    assert_eq!(post(Some(&known)).status, 200);
    assert!(post(Some(&unknown)).failed);
    assert!(post(Some(&lab.ministry)).failed);
    assert!(post(None).failed);
    // The certificate of the one with the key of another.
    let forged = Issued { certificate: known.certificate.clone(), key: unknown.key.clone(), sha256: known.sha256 };
    assert!(post(Some(&forged)).failed);
    wait_until("all counted", || (lab.refused("certificate"), lab.refused("no-certificate")) == (2, 1));
    assert_eq!(lab.taken(), 1);

    lab.server.reload(&Clients::Fingerprints(vec![unknown.sha256])).unwrap();
    assert_eq!(post(Some(&unknown)).status, 200);
    assert!(post(Some(&known)).failed);
    assert!(lab.server.reload(&Clients::Fingerprints(Vec::new())).is_err());
    assert_eq!(post(Some(&unknown)).status, 200);
}

#[test]
fn a_revoked_certificate_is_refused_from_the_reload_on() {
    if no_curl() {
        return;
    }
    let lab = Lab::usual();
    assert_eq!(lab.post(REGISTER).status, 200);
    let clients = |crl: PathBuf| Clients::Authority { ca: lab.authority.file.clone(), crl: Some(crl) };
    lab.server.reload(&clients(lab.authority.revoke(&[99]))).unwrap();
    assert_eq!(lab.post(REGISTER).status, 200);
    lab.server.reload(&clients(lab.authority.revoke(&[99, 100]))).unwrap();
    assert!(lab.post(REGISTER).failed);
    wait_until("it counted", || lab.refused("certificate") == 1);
    // A file that is none changes nothing.
    assert!(lab.server.reload(&clients(lab.ministry.key.clone())).is_err());
    assert!(lab.post(REGISTER).failed);
}

#[test]
fn a_client_pushes_only_what_is_its_own() {
    if no_curl() {
        return;
    }
    let lab = Lab::new(|_, config| config.sources.push(source("cz-mf", vec![[7; 32]])));
    is_refusal(&lab.curl(Some(&lab.ministry), &["--data-binary", REGISTER], "/push/cz-mf"), 403);
    assert_eq!(lab.refused("client"), 1);
}

#[test]
fn files_that_cannot_be_used_are_told_at_the_start() {
    let authority = Authority::new("ours");
    let (server, other) = (authority.server(), authority.client("other", 3));
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let start_in = |certificate: &Path, key: &Path, ca: &Path, incoming: &Path| {
        let clients = Clients::Authority { ca: ca.to_owned(), crl: None };
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        let mut config = PushConfig::new(listen, certificate, key, clients, incoming.to_owned());
        config.sources = vec![source("pl-hazard", Vec::new())];
        PushServer::start(config, Arc::new(Store::default())).map(|_| ()).map_err(|e| e.to_string())
    };
    let dir = tempfile::tempdir().unwrap();
    let start = |certificate: &Path, key: &Path, ca: &Path| start_in(certificate, key, ca, dir.path());
    assert_eq!(start(&server.certificate, &server.key, &authority.file), Ok(()));
    let text = start_in(&server.certificate, &server.key, &authority.file, &dir.path().join("none")).unwrap_err();
    assert!(text.contains("directory for what comes in"), "{text}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    let text = start(&server.key, &server.key, &authority.file).unwrap_err();
    assert!(text.contains("no certificate in it"), "{text}");
    for (certificate, key, ca) in [
        (&server.certificate, &server.certificate, &authority.file),
        (&server.certificate, &other.key, &authority.file),
        (&server.certificate, &server.key, &server.key),
        (&PathBuf::from("/nonexistent"), &server.key, &authority.file),
    ] {
        let text = start(certificate, key, ca).unwrap_err();
        assert!(text.contains("correct the file"), "{text}");
    }
}
