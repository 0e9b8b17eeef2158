//! Who exists: users, projects, permissions, tokens, devices, namespaces
