//! What members of a project see of each other.

use iobeam_catalog::{Actor, CatalogError, MemberTokens, NewToken, NewUser, SignUp, TokenOwner};
use iobeam_model::{Clock, Permissions, ProjectId, UserId};

use crate::scene::{Scene, new_user, nobody};

const READ: Permissions = Permissions { read: true, ..Permissions::NONE };

/// Eve has a project; Ada, who operates the platform, and Bob are not asked.
struct World {
    scene: Scene,
    eve: UserId,
    bob: UserId,
    project: ProjectId,
}

fn world() -> World {
    let scene = Scene::new();
    scene.user("ada@example.com");
    let eve = scene.user("eve@example.com").id;
    let bob = NewUser { username: Some("Bob".to_owned()), ..new_user("bob@example.com") };
    let bob = scene.catalog().create_user(bob, SignUp::Open).expect("a user").id;
    let project = scene.catalog().create_project(eve, "trap").expect("a project").id;
    World { scene, eve, bob, project }
}

impl World {
    /// Makes Bob a member, as somebody who knows him by that name or by his number alone.
    fn add(&self, by: UserId, name: Option<&str>) -> Result<(), CatalogError> {
        let catalog = self.scene.catalog().acting_as(Actor { user: Some(by), ..Actor::default() });
        let bob = (self.project, self.bob);
        catalog.set_member(bob, READ, MemberTokens::EndOwn, name).map(drop)
    }

    /// The address and the name that members see of Bob, and how many are found by a part of his name.
    fn seen(&self) -> (String, Option<String>, usize) {
        let catalog = self.scene.catalog();
        let members = catalog.seen_in(self.project).expect("listed");
        let bob = members.into_iter().find(|user| user.id == self.bob).expect("a member");
        let found = catalog.find_users(self.eve, "bo").expect("searched").len();
        assert_eq!(catalog.share_a_project(self.eve, self.bob), found > 0);
        (bob.email, bob.username, found)
    }
}

#[test]
fn a_number_brings_no_address_by_making_its_user_a_member() {
    let mut world = world();
    world.add(world.eve, None).expect("a member");
    for _ in 0..2 {
        assert_eq!(world.seen(), (String::new(), None, 0));
        world.scene.reopen();
    }
    // Bob sees whose project it is, and is seen once he came.
    assert!(world.scene.catalog().share_a_project(world.bob, world.eve));
    world.scene.catalog().come_in(world.project, world.bob).expect("noted");
    for _ in 0..2 {
        assert_eq!(world.seen(), ("bob@example.com".to_owned(), Some("Bob".to_owned()), 1));
        world.scene.reopen();
    }
}

#[test]
fn a_member_made_by_name_is_shown_by_that_name_alone_until_they_come() {
    let by_name = world();
    by_name.add(by_name.eve, Some(" bob ")).expect("a member");
    assert_eq!(by_name.seen(), (String::new(), Some("Bob".to_owned()), 0));
    let by_address = world();
    by_address.add(by_address.eve, Some("BOB@example.com")).expect("a member");
    assert_eq!(by_address.seen(), ("bob@example.com".to_owned(), None, 0));
    let refused = world();
    let other = refused.add(refused.eve, Some("somebody else")).expect_err("not his name");
    assert!(matches!(other, CatalogError::NotFound { what: "user", .. }), "{other}");
    assert!(refused.scene.catalog().permissions(refused.bob, refused.project).is_empty());
}

#[test]
fn a_token_an_invite_or_another_project_makes_members_known() {
    let world = world();
    world.add(world.eve, None).expect("a member");
    let new = NewToken {
        user: world.bob,
        tied: false,
        project: Some(world.project),
        permissions: READ,
        device: None,
        refreshable: true,
        expires: world.scene.clock.now().plus(std::time::Duration::from_hours(1)),
        name: None,
        owner: TokenOwner::Creator,
    };
    world.scene.catalog().issue_token(new).expect("issued");
    assert_eq!(world.seen().2, 1);
    // Who is known from one project is known in the next.
    let next = world.scene.catalog().create_project(world.eve, "next").expect("a project").id;
    let eve = Actor { user: Some(world.eve), ..Actor::default() };
    let catalog = world.scene.catalog().acting_as(eve);
    catalog.set_member((next, world.bob), READ, MemberTokens::EndOwn, None).expect("a member");
    assert!(!catalog.is_absent(next, world.bob));
    // Removed and made a member again by number, somebody is unknown again where nothing else brings them together.
    for project in [world.project, next] {
        catalog.set_permissions(project, world.bob, Permissions::NONE).expect("removed");
    }
    world.add(world.eve, None).expect("a member");
    assert_eq!(world.seen(), (String::new(), None, 0));
}

#[test]
fn whose_account_was_deleted_becomes_a_member_no_more() {
    let world = world();
    world.scene.catalog().delete_user(world.bob, None).expect("deleted");
    for by in [world.eve, world.scene.catalog().user_by_name("ada@example.com").expect("ada").id] {
        let refused = world.add(by, None).expect_err("there is nobody");
        assert!(matches!(refused, CatalogError::NotFound { what: "user", .. }), "{refused}");
    }
    assert!(world.scene.catalog().permissions(world.bob, world.project).is_empty());
}

#[test]
fn the_operator_knows_everybody_and_the_platform_needs_no_name() {
    let world = world();
    let ada = world.scene.catalog().user_by_name("ada@example.com").expect("ada").id;
    world.add(ada, None).expect("a member");
    assert_eq!(world.seen().2, 1);
    let refused = world.scene.catalog().set_permissions(world.project, nobody(), READ);
    assert!(matches!(refused, Err(CatalogError::NotFound { what: "user", .. })));
}
