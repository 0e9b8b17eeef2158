//! Invites to a project.

use std::thread;
use std::time::Duration;

use iobeam_catalog::{CatalogError, NewProjectInvite, NewUser, ProjectInvite, SignUp};
use iobeam_model::{Clock, Permissions, ProjectId, UserId};

use crate::scene::{Scene, new_user};

const READ: Permissions = Permissions { read: true, write: false, admin: false };

fn invite(
    scene: &Scene,
    by: UserId,
    project: ProjectId,
    may: Permissions,
) -> (ProjectInvite, String) {
    let expires = scene.clock.now().plus(Duration::from_hours(1));
    let email = "Bob@example.com".to_owned();
    let new = NewProjectInvite { by, project, email, may, expires, most: 10 };
    scene.catalog().invite_to_project(new).expect("invited")
}

fn admin_of(scene: &Scene, project: ProjectId) -> UserId {
    scene.catalog().members(project)[0].0
}

fn refused(outcome: &Result<ProjectId, CatalogError>) {
    assert!(matches!(outcome, Err(CatalogError::KeyRefused { what: "invite" })), "{outcome:?}");
}

#[test]
fn who_shows_the_code_becomes_a_member_once() {
    let mut scene = Scene::new();
    let project = scene.project().id;
    let ada = admin_of(&scene, project);
    let bob = scene.catalog().create_user(new_user("bob@x.org"), SignUp::Open).expect("made").id;
    let (made, code) = invite(&scene, ada, project, READ);
    assert_eq!(scene.catalog().project_invites(project).expect("listed"), [made]);
    refused(&scene.catalog().join_project(bob, "abcdefgh"));
    assert_eq!(scene.catalog().join_project(bob, &code.to_uppercase()).expect("joins"), project);
    assert_eq!(scene.catalog().permissions(bob, project), READ);
    refused(&scene.catalog().join_project(bob, &code));
    assert_eq!(scene.catalog().project_invites(project).expect("listed"), []);
    // It adds to what one may, and takes nothing away.
    let (_, code) = invite(&scene, ada, project, READ);
    scene.catalog().join_project(ada, &code).expect("joins");
    assert_eq!(scene.catalog().permissions(ada, project), Permissions::ALL);
    scene.reopen();
    assert_eq!(scene.catalog().permissions(bob, project), READ);
}

#[test]
fn a_code_ends_with_its_time_by_hand_and_with_the_rights_of_its_maker() {
    let scene = Scene::new();
    let project = scene.project().id;
    let ada = admin_of(&scene, project);
    let user = |email| scene.catalog().create_user(new_user(email), SignUp::Open).expect("made").id;
    let (bob, eve) = (user("bob@x.org"), user("eve@x.org"));
    let (made, withdrawn) = invite(&scene, ada, project, READ);
    scene.catalog().withdraw_project_invite(project, made.id).expect("withdrawn");
    let gone = scene.catalog().withdraw_project_invite(project, made.id);
    assert!(matches!(gone, Err(CatalogError::NotFound { .. })));
    refused(&scene.catalog().join_project(bob, &withdrawn));

    scene.catalog().set_permissions(project, eve, Permissions::ALL).expect("set");
    let (_, of_eve) = invite(&scene, eve, project, Permissions::ALL);
    scene.catalog().set_permissions(project, eve, Permissions::NONE).expect("removed");
    refused(&scene.catalog().join_project(eve, &of_eve));

    let (_, late) = invite(&scene, ada, project, READ);
    scene.clock.advance(Duration::from_hours(2));
    refused(&scene.catalog().join_project(bob, &late));
    assert!(scene.catalog().permissions(bob, project).is_empty());
}

#[test]
fn with_the_code_one_signs_up_where_sign_up_is_by_invitation_and_is_a_member() {
    let scene = Scene::new();
    let project = scene.project().id;
    let ada = admin_of(&scene, project);
    for (n, mode) in [SignUp::Invite, SignUp::Open].into_iter().enumerate() {
        let (_, code) = invite(&scene, ada, project, READ);
        let join = |email: &str, mode| {
            let new = NewUser { invite: Some(code.clone()), ..new_user(email) };
            scene.catalog().create_user(new, mode)
        };
        assert!(matches!(join("x@x.org", SignUp::Closed), Err(CatalogError::SignUpClosed)));
        let user = join(&format!("new{n}@x.org"), mode).expect("signs up");
        assert_eq!(scene.catalog().permissions(user.id, project), READ, "{mode:?}");
        let again = join(&format!("again{n}@x.org"), SignUp::Invite);
        assert!(matches!(again, Err(CatalogError::NotInvited)), "{again:?}");
    }
}

#[test]
fn of_many_who_show_a_code_at_once_one_joins() {
    let scene = Scene::new();
    let project = scene.project().id;
    let (_, code) = invite(&scene, admin_of(&scene, project), project, READ);
    let users: Vec<UserId> = (0..6)
        .map(|n| {
            let new = new_user(&format!("user{n}@x.org"));
            scene.catalog().create_user(new, SignUp::Open).expect("made").id
        })
        .collect();
    let joined = thread::scope(|threads| {
        let (scene, code) = (&scene, code.as_str());
        let join = move |user| scene.catalog().join_project(user, code).is_ok();
        let all: Vec<_> = users.iter().map(|user| threads.spawn(move || join(*user))).collect();
        all.into_iter().map(|one| one.join().expect("ends")).filter(|ok| *ok).count()
    });
    assert_eq!(joined, 1);
    assert_eq!(scene.catalog().members(project).len(), 2);
}

#[test]
fn an_invite_names_an_address_and_a_right_and_there_is_a_limit() {
    let scene = Scene::new();
    let project = scene.project().id;
    let by = admin_of(&scene, project);
    let new = |email: &str, may, most| {
        let expires = scene.clock.now().plus(Duration::from_hours(1));
        let email = email.to_owned();
        scene.catalog().invite_to_project(NewProjectInvite {
            by,
            project,
            email,
            may,
            expires,
            most,
        })
    };
    for refused in
        [new("no address", READ, 9), new("a@x.org", Permissions::NONE, 9), new("a@x.org", READ, 0)]
    {
        assert!(matches!(refused, Err(CatalogError::Invalid { .. })), "{refused:?}");
    }
    new("a@x.org", READ, 1).expect("invited");
    assert!(new("a@x.org", READ, 1).is_err());
}
