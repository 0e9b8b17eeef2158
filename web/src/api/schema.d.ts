// Written by `npm run api` from openapi.json. Do not edit.

export interface paths {
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the process lives. */
        get: operations["health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Figures in the text form of OpenMetrics, for Prometheus. */
        get: operations["metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether requests can be served: the catalog answers. */
        get: operations["ready"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dashboards": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the project's dashboards. */
        get: operations["list_dashboards"];
        put?: never;
        /** Keep a dashboard. */
        post: operations["create_dashboard"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dashboards/{dashboard_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a dashboard. */
        get: operations["show_dashboard"];
        /** Change a dashboard. When its version is no longer the one given, somebody else changed it: 409, and nothing changes. */
        put: operations["update_dashboard"];
        post?: never;
        /** Delete a dashboard. Links to it show nothing from then on. */
        delete: operations["delete_dashboard"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dashboards/{dashboard_id}/shares": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the links to a dashboard, without their keys. */
        get: operations["list_shares"];
        put?: never;
        /** Make a link by which a dashboard is seen without an account. */
        post: operations["share_dashboard"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dashboards/{dashboard_id}/shares/{share_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revoke a link: from then on its key opens nothing. */
        delete: operations["revoke_share"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/data/{namespace}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Rows of a namespace with all fields. */
        get: operations["all_fields"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/data/{namespace}/{field}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Rows of a namespace with one field, where it has a value. */
        get: operations["one_field"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/devices": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the project's devices, search them, or show one by name.
         * @description With `search`, `type`, `state`, `sort` or `facets` each device has its state, and the reply says how many there are on
         *     all pages.
         */
        get: operations["list_devices"];
        put?: never;
        /**
         * Register a device, or many at once.
         * @description With `devices` all of them are registered or none, for the price of one: at most as many as the setting
         *     `devices-at-once` says.
         */
        post: operations["register_device"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/devices/timestamp": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show the server's time. */
        get: operations["show_time"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/devices/{device_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a device. */
        get: operations["show_device"];
        put?: never;
        post?: never;
        /** Remove a device. Its readings stay. */
        delete: operations["delete_device"];
        options?: never;
        head?: never;
        /** Change a device's name or type. */
        patch: operations["update_device"];
        trace?: never;
    };
    "/v1/devices/{device_id}/latest": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show the latest value of each field of a device, in the namespaces that are partitioned by device. */
        get: operations["latest_values"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/devices/{device_id}/statistics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Count a device's rows. */
        get: operations["device_statistics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/exports/{project_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All series of all devices. */
        get: operations["everything"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/exports/{project_id}/{device}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All series of a device. */
        get: operations["one_device"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/exports/{project_id}/{device}/{series}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A series of a device. */
        get: operations["one_series"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/imports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Stores readings: whole or not at all. The reply comes when they are on disk and the next query sees them. */
        post: operations["import"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/invites": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List invites, without their codes. */
        get: operations["list_invites"];
        put?: never;
        /** Make an invite. */
        post: operations["create_invite"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/invites/accept": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Accept an invite to a project: the caller is a member from then on. */
        post: operations["accept_invite"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/invites/{invite_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revoke an invite. Who signed up with it keeps the account. */
        delete: operations["revoke_invite"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Follow readings as they come: server-sent events `hello` (with the point where it begins), `rows` (each row within a
         *     second of its acknowledgement), `gap` (rows since the point are no longer held: ask for them anew, and go on) and
         *     `end` (with the reason). The id of an event is the point to come back with: no row is missed, and none comes twice.
         */
        get: operations["live"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/namespaces": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the project's namespaces. */
        get: operations["list_namespaces"];
        put?: never;
        /** Make a namespace. Readings cannot add fields to it by themselves. */
        post: operations["create_namespace"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/namespaces/{namespace_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a namespace. */
        get: operations["show_namespace"];
        /** Add fields and labels to a namespace, or change its retention. */
        put: operations["update_namespace"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/namespaces/{namespace_id}/statistics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Count a namespace's rows, files and bytes. */
        get: operations["namespace_statistics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This description. */
        get: operations["document"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/ping": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether somebody is there. */
        get: operations["ping"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/projects": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the caller's projects, or show one by name. */
        get: operations["list_projects"];
        put?: never;
        /** Make a project. The caller holds every permission in it. */
        post: operations["create_project"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/projects/{project_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a project. */
        get: operations["show_project"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Rename a project, or choose whether devices register by sending. */
        patch: operations["update_project"];
        trace?: never;
    };
    "/v1/projects/{project_id}/invites": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the invites to a project that nobody has used yet. */
        get: operations["list_project_invites"];
        put?: never;
        /**
         * Invite somebody to a project.
         * @description A link is sent to the address; who opens it signs in or signs up and is a member. It is good for seven days.
         */
        post: operations["invite_to_project"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/projects/{project_id}/invites/{invite_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Withdraw an invite: its link opens nothing any more. */
        delete: operations["withdraw_project_invite"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/projects/{project_id}/permissions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show who may do what in a project. */
        get: operations["show_permissions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Say what a user may do in a project. */
        patch: operations["set_permissions"];
        trace?: never;
    };
    "/v1/query": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Asks for series of points, one of each device and field: rows as they are when the chart can show them all,
         *     otherwise those that stand for the others, or figures of buckets of time.
         */
        post: operations["query"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show the browser's session, or that there is none. */
        get: operations["show_session"];
        put?: never;
        /**
         * Sign in a browser.
         * @description The reply brings the cookie of the session, and the value of the header `X-CSRF-Token` that every call needs which
         *     comes with the cookie and changes something.
         */
        post: operations["sign_in"];
        /** Sign out: the session ends, here and in the list of tokens. */
        delete: operations["sign_out"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/shared": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show the dashboard that the key was made for. */
        get: operations["show_shared"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/shared/query": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ask what a panel of the dashboard asks for: its stored query, at the time given. The reply is that of /v1/query. */
        post: operations["query_shared"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sql": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Asks in SQL. Each namespace is a table with the column `time` and its fields. */
        post: operations["sql"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List issued tokens, without their texts. */
        get: operations["list_tokens"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tokens/project": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Issue a project token. */
        get: operations["issue_token"];
        put?: never;
        /**
         * Exchange a project token for a new one.
         * @description Without an Authorization header; the old token may have ended up to 30 days ago, and stays good until its own end.
         *     The new one lives as long as the old one did, and has the same project, permissions and device.
         */
        post: operations["refresh_token"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tokens/user": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Log in.
         * @description With `Authorization: Basic`, or with `name` and `password` in the query.
         */
        get: operations["log_in"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tokens/{token_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revoke a token: one's own, or one of a project that one administers. */
        delete: operations["revoke_token"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Look up a user by name, or search. */
        get: operations["find_users"];
        put?: never;
        /**
         * Sign up.
         * @description The first account of a server is its operator's. Logging in works at once; a letter with a key to verify the address
         *     is sent.
         */
        post: operations["sign_up"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/email": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Verify an e-mail address with the key of a letter. */
        post: operations["verify_email"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The caller. */
        get: operations["show_me"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change the caller's account.
         * @description A new password needs the old one, and ends every other log-in of the user.
         */
        patch: operations["update_me"];
        trace?: never;
    };
    "/v1/users/me/verification": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ask for another letter with a key to verify the caller's address. */
        post: operations["ask_verification"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Ask for a letter with a key to reset a password.
         * @description The reply is the same whether there is such a user or not.
         */
        get: operations["ask_password_reset"];
        put?: never;
        /** Set a new password with the key of a letter. */
        post: operations["reset_password"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description What is on a dashboard. */
        Board: {
            /** @description The panels. */
            panels?: components["schemas"]["Panel"][];
            /** @description How the panels are kept fresh: `live`, `off`, or the time between two looks, such as `10s`. */
            refresh?: string;
            /** @description The time that the panels show. */
            time?: components["schemas"]["TimeSpan"];
            /** @description What can be chosen above the panels. */
            variables?: components["schemas"]["Variable"][];
        };
        /** @description Series of points. */
        Chart: {
            /** @description The buckets' width, when there are buckets. */
            bucket?: string | null;
            /**
             * Format: int64
             * @description The same in milliseconds; a day has 24 hours here, a month has no length.
             */
            bucket_ms?: number | null;
            /**
             * Format: int64
             * @description The first millisecond that was looked at.
             */
            from: number;
            /** @description How the points came to be. */
            method: components["schemas"]["Method"];
            /** @description What `since` of `GET /v1/live` takes: rows that are not in this answer follow there. */
            point: string;
            /**
             * Format: int64
             * @description How many values went into the answer.
             */
            rows: number;
            /** @description By device, and for each in the order in which the fields were asked for. */
            series: components["schemas"]["Series"][];
            /**
             * Format: int64
             * @description The last one.
             */
            to: number;
            /** @description Whether a limit left out points or series. */
            truncated: boolean;
        };
        /** @description What a chart asks for. Every member may be left out. */
        ChartRequest: {
            /**
             * @description With an operator: `auto` (by `width`; the default), `all`, or a whole number and `ms`, `s`, `m`, `h`, `d`, `w`,
             *     `mo` or `y`. Without one: `auto` (as many rows as the width can show; the default) or `raw` (each row).
             */
            bucket?: string | null;
            /** @description All devices, unless said. */
            devices?: string[] | null;
            downsample?: components["schemas"]["Downsample"] | null;
            /** @description All fields that the operator says something of, unless said. */
            fields?: string[] | null;
            /**
             * Format: int64
             * @description The first millisecond; that of the earliest row, unless said.
             */
            from?: number | null;
            /**
             * Format: int32
             * @description At most so many points of each series, the newest. With `raw`: 10000, unless said.
             */
            limit?: number | null;
            /**
             * Format: int32
             * @description At most so many series, of the first devices by their ids: 100, unless said.
             */
            max_series?: number | null;
            /** @description `input`, unless said. */
            namespace?: string | null;
            operator?: components["schemas"]["Operator"] | null;
            /** @description The time zone of days, weeks, months and years, such as `Europe/Paris`: UTC, unless said. */
            timezone?: string | null;
            /**
             * Format: int64
             * @description The last millisecond; that of the latest row, unless said.
             */
            to?: number | null;
            /** @description What rows must fulfil, all of it. */
            where?: components["schemas"]["Predicate"][] | null;
            /**
             * Format: int32
             * @description How many columns of pixels there are: 800, unless said.
             */
            width?: number | null;
        };
        /** @description What is chosen of a variable. */
        Chosen: string | string[];
        /**
         * @description A comparison.
         * @enum {string}
         */
        Comparison: "eq" | "ne" | "lt" | "le" | "gt" | "ge";
        /** @description A dashboard. */
        Dashboard: {
            /** @description What is on it. */
            board: components["schemas"]["Board"];
            /** @description When it was made, such as 2016-07-29T08:19:47Z. */
            created: string;
            /**
             * Format: int32
             * @description The number.
             */
            dashboard_id: number;
            /** @description When it was last changed. */
            last_modified: string;
            /** @description What it is called. */
            name: string;
            /**
             * Format: int32
             * @description Grows with each change.
             */
            version: number;
        };
        /** @description The dashboards of a project. */
        DashboardList: {
            /** @description By name. */
            dashboards: components["schemas"]["DashboardListItem"][];
        };
        /** @description A dashboard in a list. */
        DashboardListItem: {
            /** @description When it was made. */
            created: string;
            /**
             * Format: int32
             * @description The number.
             */
            dashboard_id: number;
            /** @description When it was last changed. */
            last_modified: string;
            /** @description What it is called. */
            name: string;
            /**
             * Format: int32
             * @description How many panels are on it.
             */
            panels: number;
            /**
             * Format: int32
             * @description By how many links it can be seen.
             */
            shares: number;
            /**
             * Format: int32
             * @description Grows with each change.
             */
            version: number;
        };
        /** @description A dashboard to make. */
        DashboardRequest: {
            /** @description What is on it. */
            board: components["schemas"]["Board"];
            /** @description What it is called; others may be called the same. */
            name: string;
        };
        /** @description A dashboard as it shall be; what is absent stays. */
        DashboardUpdate: {
            board?: components["schemas"]["Board"] | null;
            /** @description Another name. */
            name?: string | null;
            /**
             * Format: int32
             * @description The version that was changed.
             */
            version: number;
        };
        /** @description A device. */
        Device: {
            /** @description When it was registered, such as 2016-07-29T08:19:47Z. */
            created: string;
            /** @description Unique within the project. */
            device_id: string;
            /** @description Unique within the project. */
            device_name: string;
            /** @description What sort of device it is, when that was told. */
            device_type?: string | null;
            /** @description When it last sent something. */
            last_seen?: string | null;
            /**
             * Format: int32
             * @description The project.
             */
            project_id: number;
            /** @description How long ago it was heard of, in a list that was searched: `online`, `late`, `silent` or `never`. */
            state?: string | null;
            statistics?: components["schemas"]["RowFigures"] | null;
        };
        /** @description The devices of a project. */
        DeviceList: {
            /** @description The devices. */
            devices: components["schemas"]["Device"][];
            /** @description How many it finds in each state, with `facets=true`. */
            states?: components["schemas"]["StateCounts"];
            /**
             * Format: int64
             * @description How many a search finds on all pages.
             */
            total?: number;
            /** @description How many it finds of each type, with `facets=true`. */
            types?: components["schemas"]["TypeCount"][];
        };
        /** @description The devices of a project, or the one that was asked for by name. */
        DeviceOrList: components["schemas"]["Device"] | components["schemas"]["DeviceList"];
        /** @description A device's rows, in all namespaces that are partitioned by `device_id`. */
        DeviceStatistics: {
            /** @description The device. */
            device_id: string;
            /**
             * Format: int64
             * @description The earliest row's time, in the unit asked for; null when there is no row.
             */
            first_time?: number | null;
            /** @description When it last sent something. */
            last_seen?: string | null;
            /**
             * Format: int64
             * @description The latest row's time.
             */
            last_time?: number | null;
            /** @description The same for each namespace in which it has rows, by name. */
            namespaces: {
                [key: string]: components["schemas"]["RowFigures"];
            };
            /**
             * Format: int64
             * @description How many rows.
             */
            rows: number;
        };
        /** @description What to change about a device; what is absent stays. Other members may be sent along and are ignored. */
        DeviceUpdate: {
            /** @description Another name, unique within the project. */
            device_name?: string | null;
            /** @description Another type; an empty one takes it away. */
            device_type?: string | null;
            /**
             * Format: int64
             * @description The token's project.
             */
            project_id?: number | null;
        };
        /**
         * @description Which rows stand for the others: the first, the least, the greatest and the last of each column, or those that keep
         *     the line's form best.
         * @enum {string}
         */
        Downsample: "minmax" | "lttb";
        /** @description One thing that went wrong. */
        Error: {
            /**
             * Format: int32
             * @description What, for programs.
             */
            code: number;
            /** @description The same text as `details`. */
            detailed_message: string;
            /** @description Where, and what would be right. */
            details: string;
            /** @description What, for people. */
            message: string;
        };
        /** @description What every refused request hears. */
        Errors: {
            /** @description At least one. */
            errors: components["schemas"]["Error"][];
        };
        /**
         * @description The type of a field.
         * @enum {string}
         */
        FieldType: "DOUBLE" | "LONG" | "BOOLEAN" | "STRING";
        /** @description A user, as a search finds them. */
        FoundUser: {
            /** @description E-mail address. */
            email: string;
            /**
             * Format: int32
             * @description The user's number.
             */
            user_id: number;
            /** @description Name to log in with, or empty. */
            username: string;
        };
        /** @description One who holds a right. */
        Holder: {
            /**
             * Format: int32
             * @description The user.
             */
            user_id: number;
        };
        /** @description Who holds each right in a project. */
        Holders: {
            /** @description Those who may administer. */
            admin: components["schemas"]["Holder"][];
            /** @description Those who may read. */
            read: components["schemas"]["Holder"][];
            /** @description Those who may write. */
            write: components["schemas"]["Holder"][];
        };
        /** @description The code of an invite. */
        InviteCode: {
            /** @description The code. */
            code: string;
        };
        /** @description Invites. */
        InviteList: {
            /** @description The newest first. */
            invites: components["schemas"]["ListedInvite"][];
        };
        /** @description An invite to make. */
        InviteRequest: {
            /** @description How long it is good: a whole number and one of w, d, h, m, s, such as 5w; for ever, unless said. */
            duration?: string | null;
            /**
             * Format: int32
             * @description For how many people; one, unless said otherwise.
             */
            uses?: number | null;
        };
        /** @description The project that the caller joined. */
        JoinedProject: {
            /**
             * Format: int32
             * @description Its number.
             */
            project_id: number;
        };
        /** @description The latest value of a field. */
        LatestValue: {
            /** @description What. */
            field: string;
            /** @description Where. */
            namespace: string;
            /**
             * Format: int64
             * @description When.
             */
            time: number;
            /** @description Of which type. */
            type: string;
            /** @description A number, a truth or a text. */
            value: unknown;
        };
        /** @description What a device said last. */
        LatestValues: {
            /** @description The device. */
            device_id: string;
            /** @description The latest value of each field that has one, by namespace and field. */
            values: components["schemas"]["LatestValue"][];
        };
        /** @description An invite, without its code. */
        ListedInvite: {
            /** @description When it was made. */
            created: string;
            /** @description When it runs out, if it does. */
            expires?: string | null;
            /** @description The code's first characters. */
            hint: string;
            /**
             * Format: int32
             * @description By which it is revoked.
             */
            invite_id: number;
            /** @description When it was revoked, if it was. */
            revoked?: string | null;
            /**
             * Format: int32
             * @description How many signed up with it.
             */
            used: number;
            /**
             * Format: int32
             * @description Who made it; absent when the server did.
             */
            user_id?: number | null;
            /**
             * Format: int32
             * @description For how many people.
             */
            uses: number;
        };
        /** @description An invite to a project. */
        ListedProjectInvite: {
            /** @description Whether they may administer. */
            admin: boolean;
            /** @description The code; in the reply that makes it alone. */
            code?: string | null;
            /** @description When it was made. */
            created: string;
            /** @description Where the link was sent. */
            email: string;
            /** @description When it runs out. */
            expires: string;
            /**
             * Format: int32
             * @description By which it is withdrawn.
             */
            invite_id: number;
            /**
             * @description The link, to hand over by other means than mail; in the reply that makes it alone. Without the setting
             *     `public-url` it is a path.
             */
            link?: string | null;
            /** @description Whether they may read. */
            read: boolean;
            /**
             * Format: int32
             * @description Who invited.
             */
            user_id: number;
            /** @description Whether they may write. */
            write: boolean;
        };
        /** @description A link, without its key. */
        ListedShare: {
            /** @description When it was made. */
            created: string;
            /** @description When it runs out; null: never. */
            expires?: string | null;
            /** @description When it was last used; null: never. */
            last_used?: string | null;
            /**
             * Format: int32
             * @description By which it is revoked.
             */
            share_id: number;
        };
        /** @description An issued token, without its text. */
        ListedToken: {
            /** @description Whether it may administer. */
            admin: boolean;
            /** @description When it was issued. */
            created: string;
            /** @description The only device that it may write as. */
            device_id?: string | null;
            /** @description When it ends. */
            expires: string;
            /** @description Whether it is tied to that user. */
            include_user: boolean;
            /** @description `user`: for managing; `project`: for reading and writing. */
            kind: string;
            /** @description When it was last shown, if it was. */
            last_used?: string | null;
            /** @description What its maker calls it. */
            name?: string | null;
            /**
             * Format: int32
             * @description The project.
             */
            project_id?: number | null;
            /** @description Whether it may read. */
            read: boolean;
            /** @description Whether it can be exchanged for a new one. */
            refreshable: boolean;
            /** @description When it was revoked, if it was. */
            revoked?: string | null;
            /**
             * Format: int32
             * @description By which it is revoked.
             */
            token_id: number;
            /**
             * Format: int32
             * @description Who issued it.
             */
            user_id: number;
            /** @description Whether it may write. */
            write: boolean;
        };
        /** @description A member of a project. */
        Member: {
            /** @description E-mail address. */
            email: string;
            /**
             * Format: int32
             * @description The user's number.
             */
            user_id: number;
            /** @description Name to log in with, or empty. */
            username: string;
        };
        /**
         * @description How points came to be: all rows, rows that stand for others, or one for each bucket.
         * @enum {string}
         */
        Method: "raw" | "minmax" | "lttb" | "aggregate";
        /** @description A time in the unit asked for. */
        Moment: number | components["schemas"]["Timeval"];
        /** @description A namespace: a table of rows with typed fields. */
        Namespace: {
            /** @description When it was made, such as 2016-07-29T08:19:47Z. */
            created: string;
            /** @description The same, with the server's setting in place of `default`. */
            effective_retention: string;
            /** @description The fields and their types. */
            fields: {
                [key: string]: components["schemas"]["FieldType"];
            };
            /** @description Notes about it: texts, numbers or booleans. */
            labels: Record<string, never>;
            /** @description When a field or a label was last added or changed. */
            last_modified: string;
            /**
             * Format: int32
             * @description The namespace's number.
             */
            namespace_id: number;
            /** @description Unique within the project. */
            namespace_name: string;
            /** @description The field that says whose row it is. */
            partitioning_field: string;
            /**
             * Format: int32
             * @description The project.
             */
            project_id: number;
            /** @description How long its rows are kept: `default`, `none` (for ever), or a number with `d`, `h`, `m` or `s`. */
            retention: string;
        };
        /** @description The namespaces of a project. */
        NamespaceList: {
            /** @description The namespaces. */
            namespaces: components["schemas"]["Namespace"][];
        };
        /** @description A namespace to make. */
        NamespaceRequest: {
            /** @description The fields and their types. */
            fields?: {
                [key: string]: components["schemas"]["FieldType"];
            } | null;
            /** @description Notes about it: texts, numbers or booleans. */
            labels?: Record<string, never> | null;
            /** @description Unique within the project. */
            namespace_name: string;
            /** @description The field that says whose row it is; `device_id`, unless said. */
            partitioning_field?: string | null;
            /**
             * Format: int64
             * @description The token's project.
             */
            project_id?: number | null;
            retention?: components["schemas"]["RetentionGiven"] | null;
        };
        /** @description A namespace's rows, files and bytes. */
        NamespaceStatistics: {
            /**
             * Format: int64
             * @description Bytes of them.
             */
            bytes: number;
            /** @description How long rows are kept: `none` (for ever), or a number with `d`, `h`, `m` or `s`. */
            effective_retention: string;
            /**
             * Format: int64
             * @description Parquet files.
             */
            files: number;
            /**
             * Format: int64
             * @description The earliest row's time, in the unit asked for; null when there is no row.
             */
            first_time?: number | null;
            /**
             * Format: int64
             * @description Rows before this time have expired; null when none ever do.
             */
            keep_from?: number | null;
            /**
             * Format: int64
             * @description The latest row's time.
             */
            last_time?: number | null;
            /**
             * Format: int64
             * @description Rows that are in memory and in the write-ahead log, and in no Parquet file yet.
             */
            memory_rows: number;
            /**
             * Format: int32
             * @description The namespace's number.
             */
            namespace_id: number;
            /** @description Its name. */
            namespace_name: string;
            /**
             * Format: int64
             * @description How many rows.
             */
            rows: number;
        };
        /** @description A namespace with more fields or labels. The other members of a namespace may be sent along and are ignored. */
        NamespaceUpdate: {
            /** @description All fields, the old ones with their types; absent, they stay as they are. */
            fields?: {
                [key: string]: components["schemas"]["FieldType"];
            } | null;
            /** @description Labels to add or overwrite; others stay. */
            labels?: Record<string, never> | null;
            retention?: components["schemas"]["RetentionGiven"] | null;
        };
        /** @description A device to register. */
        NewDeviceRequest: {
            /** @description When it was made, such as 2016-07-29T08:19:47Z. */
            created?: string | null;
            /** @description Unique within the project; one is made when it is absent. */
            device_id?: string | null;
            /** @description Unique within the project; one is made when it is absent. */
            device_name?: string | null;
            /** @description What sort of device it is. */
            device_type?: string | null;
            /** @description Many devices in place of the one: all of them are registered, or none. */
            devices?: components["schemas"]["OneOfMany"][] | null;
            /**
             * Format: int64
             * @description The token's project.
             */
            project_id?: number | null;
        };
        /** @description An invite that was just made. */
        NewInvite: {
            /** @description The code. It is not shown again. */
            code: string;
            /** @description When it runs out, if it does. */
            expires?: string | null;
            /**
             * Format: int32
             * @description For how many people.
             */
            uses: number;
        };
        /** @description A link that was just made. */
        NewShare: {
            /** @description When it was made. */
            created: string;
            /** @description When it runs out; null: never. */
            expires?: string | null;
            /** @description The key, for `Authorization: Share <key>` and for the page `/shared#<key>`. It is not shown again. */
            key: string;
            /**
             * Format: int32
             * @description By which it is revoked.
             */
            share_id: number;
        };
        /** @description Nothing in particular. */
        Nothing: Record<string, never>;
        /** @description One of many devices to register. */
        OneOfMany: {
            /** @description When it was made, such as 2016-07-29T08:19:47Z. */
            created?: string | null;
            /** @description Unique within the project; one is made when it is absent. */
            device_id?: string | null;
            /** @description Unique within the project; one is made when it is absent. */
            device_name?: string | null;
            /** @description What sort of device it is. */
            device_type?: string | null;
        };
        /**
         * @description How the rows of a bucket become one value. Texts and truths have a first, a last and a count.
         * @enum {string}
         */
        Operator: "mean" | "min" | "max" | "sum" | "count" | "first" | "last";
        /** @description One picture on the grid of twelve columns. */
        Panel: {
            /**
             * Format: int32
             * @description Its height in rows.
             */
            h: number;
            /** @description Unique on the board. */
            id: string;
            /** @description What it shows. */
            kind: components["schemas"]["PanelKind"];
            /** @description How it looks: the web app's alone. */
            options?: Record<string, never>;
            query?: components["schemas"]["PanelQuery"] | null;
            /** @description What stands above it. */
            title?: string;
            /**
             * Format: int32
             * @description Its width in columns.
             */
            w: number;
            /**
             * Format: int32
             * @description Its first column.
             */
            x: number;
            /**
             * Format: int32
             * @description Its first row.
             */
            y: number;
        };
        /**
         * @description How a value is compared.
         * @enum {string}
         */
        PanelComparison: "eq" | "ne" | "lt" | "le" | "gt" | "ge";
        /**
         * @description Which rows stand for the others.
         * @enum {string}
         */
        PanelDownsample: "minmax" | "lttb";
        /**
         * @description What a panel shows.
         * @enum {string}
         */
        PanelKind: "chart" | "value" | "gauge" | "table" | "timeline" | "map" | "text";
        /**
         * @description How the rows of a bucket become one value.
         * @enum {string}
         */
        PanelOperator: "mean" | "min" | "max" | "sum" | "count" | "first" | "last";
        /** @description One condition. */
        PanelPredicate: {
            /** @description The field to look at. */
            field: string;
            /** @description How it is compared. */
            op: components["schemas"]["PanelComparison"];
            /** @description A text, a number, or true or false. */
            value: unknown;
        };
        /** @description What a panel asks for: the members of `POST /v1/query` without the time. */
        PanelQuery: {
            /** @description `auto`, `raw`, `all`, a length such as `15m`, or `$name` for that of a variable. */
            bucket?: string | null;
            /** @description The devices, or `["$name"]` for those of a variable; all, unless said. */
            devices?: string[] | null;
            downsample?: components["schemas"]["PanelDownsample"] | null;
            /** @description The fields; all, unless said. */
            fields?: string[];
            /**
             * Format: int64
             * @description At most so many points of each series.
             */
            limit?: number | null;
            /**
             * Format: int64
             * @description At most so many series.
             */
            max_series?: number | null;
            /** @description The namespace; `input` unless said. */
            namespace?: string | null;
            operator?: components["schemas"]["PanelOperator"] | null;
            /** @description The zone whose days are meant; that of the board, unless said. */
            timezone?: string | null;
            /** @description What rows must fulfil, all of it. */
            where?: components["schemas"]["PanelPredicate"][];
        };
        /** @description What one user or token may do in a project. */
        Permissions: {
            /** @description Change the project itself: namespaces, members, tokens. */
            admin: boolean;
            /** @description See devices and ask for readings. */
            read: boolean;
            /** @description Register devices and send readings. */
            write: boolean;
        };
        /** @description Who may do what in a project. */
        PermissionsReply: {
            /** @description Holders of each right. */
            permissions: components["schemas"]["Holders"];
        };
        /** @description What a user shall be allowed to do. A right that is absent is not granted; without any, the user is removed. */
        PermissionsRequest: {
            /** @description Change the project itself. */
            admin?: boolean;
            /** @description See devices and ask for readings. */
            read?: boolean;
            /**
             * Format: int32
             * @description The user.
             */
            user_id: number;
            /** @description Register devices and send readings. */
            write?: boolean;
        };
        /** @description One condition. */
        Predicate: {
            /** @description The field to look at. */
            field: string;
            /** @description How to compare. */
            op: components["schemas"]["Comparison"];
            /** @description A text, a number or a truth, as the field's type wants. */
            value: unknown;
        };
        /** @description A project, with who may do what in it. */
        Project: {
            /** @description Whether an unknown device is registered by its first import. */
            auto_register?: boolean | null;
            /** @description When it was made, such as 2016-07-29T08:19:47Z. */
            created: string;
            /** @description How those are called who may do something, where one project is shown. */
            members?: components["schemas"]["Member"][];
            /** @description Who may do what. */
            permissions: components["schemas"]["Holders"];
            /**
             * Format: int32
             * @description The project's number.
             */
            project_id: number;
            /** @description Unique on the server. */
            project_name: string;
        };
        /** @description Invites to a project. */
        ProjectInviteList: {
            /** @description Those that nobody has used yet, the newest first. */
            invites: components["schemas"]["ListedProjectInvite"][];
        };
        /** @description Whom to invite, and what they may do then. */
        ProjectInviteRequest: {
            /** @description Change the project itself. */
            admin?: boolean;
            /** @description Where the link is sent. */
            email: string;
            /** @description See devices and ask for readings. */
            read?: boolean;
            /** @description Register devices and send readings. */
            write?: boolean;
        };
        /** @description The caller's projects. */
        ProjectList: {
            /** @description The projects. */
            projects: components["schemas"]["ProjectListItem"][];
        };
        /** @description A project in a list, with what the caller may do in it. */
        ProjectListItem: {
            /** @description When it was made, such as 2016-07-29T08:19:47Z. */
            created: string;
            /** @description What the caller may do. */
            permissions: components["schemas"]["Permissions"];
            /**
             * Format: int32
             * @description The project's number.
             */
            project_id: number;
            /** @description Unique on the server. */
            project_name: string;
        };
        /** @description The caller's projects, or the one that was asked for by name. */
        ProjectOrList: components["schemas"]["Project"] | components["schemas"]["ProjectList"];
        /** @description A new project. */
        ProjectRequest: {
            /** @description Whether an unknown device is registered by its first import; no, unless asked for. */
            auto_register?: boolean | null;
            /** @description Its name, unique on the server. */
            project_name: string;
        };
        /** @description A token for reading and writing in one project. */
        ProjectToken: {
            /** @description Whether it may administer. */
            admin: boolean;
            /** @description When it was issued. */
            created: string;
            /** @description When it ends, such as 2016-08-28 17:25:31 +0000. */
            expires: string;
            /**
             * Format: int32
             * @description The project.
             */
            project_id: number;
            /** @description Whether it may read. */
            read: boolean;
            /** @description The token: a JWT of at most 231 characters. */
            token: string;
            /**
             * Format: int32
             * @description The user it is tied to; 0 when it is tied to none.
             */
            user_id: number;
            /** @description Whether it may write. */
            write: boolean;
        };
        /** @description What to change about a project; what is absent stays. Other members may be sent along and are ignored. */
        ProjectUpdate: {
            /** @description Whether an unknown device is registered by its first import. */
            auto_register?: boolean | null;
            /** @description Another name, unique on the server. */
            project_name?: string | null;
        };
        /** @description A token to exchange. */
        Refresh: {
            /** @description The old project token. It may have ended. */
            refresh_token: string;
        };
        /** @description The key of a letter, and a new password. */
        Reset: {
            /**
             * Format: password
             * @description The new password: at least 8 characters.
             */
            password: string;
            /** @description The key. */
            reset_key: string;
        };
        /** @description How long rows are kept, in a request. */
        RetentionGiven: string | number;
        /** @description How many rows there are, and from when to when. */
        RowFigures: {
            /**
             * Format: int64
             * @description The earliest row's time, in the unit asked for; null when there is no row.
             */
            first_time?: number | null;
            /**
             * Format: int64
             * @description The latest row's time.
             */
            last_time?: number | null;
            /**
             * Format: int64
             * @description How many.
             */
            rows: number;
        };
        /** @description The points of one device and field, in order of time. A bucket without values has no point. */
        Series: {
            /** @description The device; null for rows that name none. */
            device_id?: string | null;
            /** @description The field. */
            field: string;
            /** @description For means: the greatest value of each bucket. */
            maxs?: number[];
            /** @description How its points came to be: a series that has few rows keeps them all. */
            method: components["schemas"]["Method"];
            /** @description For means: the least value of each bucket. */
            mins?: number[];
            /**
             * Format: int64
             * @description How many values went into it.
             */
            rows: number;
            /** @description Milliseconds since 1970: of rows, or of where buckets begin. */
            times: number[];
            /** @description `DOUBLE`, `LONG`, `BOOLEAN` or `STRING`: of the values, so a mean of LONG is DOUBLE. */
            type: string;
            /** @description As many values. */
            values: unknown[];
        };
        /** @description The server's time. */
        ServerTime: {
            /** @description A whole number of the unit asked for, or seconds and microseconds for `timeval`. */
            server_timestamp: components["schemas"]["Moment"];
        };
        /** @description What there is of a session, and what a page must know before there is one. */
        Session: {
            /** @description The value of the header `X-CSRF-Token`; absent when nobody is signed in. */
            csrf?: string;
            /** @description When the session ends, such as 2016-07-29T08:19:47Z; absent when nobody is signed in. */
            expires?: string;
            /** @description Whether the server sends mail; otherwise its operator finds letters in a folder. */
            mail: boolean;
            /** @description Who may make an account: `open`, `invite` or `closed`. */
            signup: string;
            user: components["schemas"]["SessionUser"] | null;
            /** @description The server's version. */
            version: string;
        };
        /** @description Who signs in. */
        SessionRequest: {
            /** @description A username or an e-mail address. */
            name: string;
            /**
             * Format: password
             * @description The password.
             */
            password: string;
        };
        /** @description The signed-in user. */
        SessionUser: components["schemas"]["User"] & {
            /** @description Whether the e-mail address was verified. */
            email_verified: boolean;
            /** @description Whether the user operates this server. */
            operator: boolean;
        };
        /** @description The links to a dashboard. */
        ShareList: {
            /** @description The newest first. */
            shares: components["schemas"]["ListedShare"][];
        };
        /** @description A link to make. */
        ShareRequest: {
            /** @description The same as a time from now: a whole number and one of w, d, h, m, s, such as 5w. */
            duration?: string | null;
            /** @description When it runs out, such as 2026-12-31T23:59:59Z; never, unless said. */
            expires?: string | null;
        };
        /** @description A shared dashboard. */
        Shared: {
            /** @description The dashboard. */
            dashboard: components["schemas"]["Dashboard"];
            /** @description The project that it is of. */
            project_name: string;
        };
        /** @description What a visitor asks of a panel. The rest of the question is the panel's own. */
        SharedQuery: {
            /** @description The length of a bucket, where the panel leaves it to a variable. */
            bucket?: string | null;
            /** @description Some of the devices that the panel shows. */
            devices?: string[] | null;
            /**
             * Format: int64
             * @description The first millisecond; that of the earliest row, unless said.
             */
            from?: number | null;
            /** @description The panel's id. */
            panel: string;
            /** @description The visitor's time zone, for panels that name none. */
            timezone?: string | null;
            /**
             * Format: int64
             * @description The last millisecond; that of the latest row, unless said.
             */
            to?: number | null;
            /** @description How many columns of pixels the panel has. */
            width?: number | null;
        };
        /** @description How many devices were last heard of how long ago, by the settings `device-late-after` and `device-silent-after`. */
        StateCounts: {
            /**
             * Format: int64
             * @description Longer ago than it should be.
             */
            late: number;
            /**
             * Format: int64
             * @description Never.
             */
            never: number;
            /**
             * Format: int64
             * @description A moment ago.
             */
            online: number;
            /**
             * Format: int64
             * @description Too long ago.
             */
            silent: number;
        };
        /** @description A statement and the values of its placeholders. */
        Statement: {
            /** @description The values of `$1`, `$2`, ..: texts, numbers, truths or null. */
            params?: unknown[];
            /** @description One SELECT, WITH, VALUES, EXPLAIN, SHOW TABLES, SHOW COLUMNS or DESCRIBE. */
            query: string;
        };
        /** @description From when to when. */
        TimeSpan: {
            /** @description `now-1h`, `now/d`, a time such as `2026-01-31T08:00:00Z`, or milliseconds since 1970. */
            from: string;
            /** @description The zone whose days, weeks and months are meant, such as `Europe/Paris`; the reader's own, unless said. */
            timezone?: string | null;
            /** @description The same. */
            to: string;
        };
        /** @description Seconds and microseconds. */
        Timeval: {
            /**
             * Format: int64
             * @description Whole seconds since 1970.
             */
            sec: number;
            /**
             * Format: int64
             * @description Microseconds above them.
             */
            usec: number;
        };
        /** @description Issued tokens. */
        TokenList: {
            /** @description The newest first. */
            tokens: components["schemas"]["ListedToken"][];
        };
        /** @description How many devices of a type there are. */
        TypeCount: {
            /**
             * Format: int64
             * @description How many.
             */
            count: number;
            /** @description The type; null for devices without one. */
            device_type: string | null;
        };
        /** @description A user. There is no password in it, ever. */
        User: {
            /** @description Company, or empty. */
            company_name: string;
            /** @description E-mail address. */
            email: string;
            /** @description First name, or empty. */
            first_name: string;
            /** @description Last name, or empty. */
            last_name: string;
            /** @description Home page, or empty. */
            url: string;
            /**
             * Format: int32
             * @description The user's number.
             */
            user_id: number;
            /** @description Name to log in with, or empty. */
            username: string;
        };
        /** @description The users that a search found. */
        UserList: {
            /** @description At most 100. */
            users: components["schemas"]["FoundUser"][];
        };
        /** @description One user, or those that a search found. */
        UserOrList: components["schemas"]["User"] | components["schemas"]["UserList"];
        /** @description Someone who signs up. */
        UserRequest: {
            /** @description Company. */
            company_name?: string | null;
            /** @description E-mail address: a name to log in with, and where keys are sent. */
            email: string;
            /** @description First name. */
            first_name?: string | null;
            /** @description The code, where signing up needs one. */
            invite?: string | null;
            /** @description Last name. */
            last_name?: string | null;
            /**
             * Format: password
             * @description At least 8 characters.
             */
            password: string;
            /** @description Home page. */
            url?: string | null;
            /** @description A shorter name to log in with. */
            username?: string | null;
        };
        /** @description A token for managing: what a log-in gives. */
        UserToken: {
            /** @description When it was issued. */
            created: string;
            /** @description When it ends, such as 2016-08-28 17:25:31 +0000. */
            expires: string;
            /** @description The token. */
            token: string;
            /**
             * Format: int32
             * @description Who logged in.
             */
            user_id: number;
        };
        /** @description What to change about a user; what is absent stays. Other members of a user may be sent along and are ignored. */
        UserUpdate: {
            /** @description Another company. */
            company_name?: string | null;
            /** @description Another e-mail address, which is to be verified again. */
            email?: string | null;
            /** @description Another first name. */
            first_name?: string | null;
            /** @description Another last name. */
            last_name?: string | null;
            /**
             * Format: password
             * @description The old password: a better place for it than the URL.
             */
            old_password?: string | null;
            /**
             * Format: password
             * @description Another password; needs the old one.
             */
            password?: string | null;
            /** @description Another home page. */
            url?: string | null;
            /** @description Another user name; an empty one takes it away. */
            username?: string | null;
        };
        /** @description Something that can be chosen above the panels, and that they name as `$name`. */
        Variable: {
            /** @description What it stands for. */
            kind: components["schemas"]["VariableKind"];
            /** @description Whether more than one device can be chosen. */
            multi?: boolean;
            /** @description A letter, then letters, digits and `_`; unique on the board. */
            name: string;
            value?: components["schemas"]["Chosen"] | null;
        };
        /**
         * @description What a variable stands for.
         * @enum {string}
         */
        VariableKind: "device" | "interval";
        /** @description The key of a letter. */
        Verification: {
            /** @description The key. */
            verification_key: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It does */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The figures */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/openmetrics-text": unknown;
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    ready: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description They can */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    list_dashboards: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The dashboards, without their panels */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DashboardList"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    create_dashboard: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DashboardRequest"];
            };
        };
        responses: {
            /** @description The dashboard was made */
            201: {
                headers: {
                    /** @description Its path */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Dashboard"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    show_dashboard: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The dashboard's number */
                dashboard_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The dashboard */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Dashboard"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    update_dashboard: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The dashboard's number */
                dashboard_id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DashboardUpdate"];
            };
        };
        responses: {
            /** @description The dashboard as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Dashboard"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    delete_dashboard: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The dashboard's number */
                dashboard_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is gone */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    list_shares: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The dashboard's number */
                dashboard_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The links */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ShareList"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    share_dashboard: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The dashboard's number */
                dashboard_id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ShareRequest"];
            };
        };
        responses: {
            /** @description The link, with its key */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewShare"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    revoke_share: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The dashboard's number */
                dashboard_id: number;
                /** @description The link's number, as listed */
                share_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is revoked */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    all_fields: {
        parameters: {
            query?: {
                /** @description At most so many rows, the newest. */
                limit?: number;
                /** @description `from,to`: each a number of milliseconds or `now()`, optionally less a while such as `-2h`. */
                time?: string;
                /** @description `f(field,value)` with `f` one of `eq`, `lt`, `gt`, `le`, `ge`. May be repeated; all must hold. */
                where?: string[];
                /** @description `sum`, `count`, `min`, `max` or `mean`. */
                operator?: string;
                /** @description `time(5m)`, a field, or both, such as `time(1h),device_id`. */
                group_by?: string;
                /** @description `field,n`: at most so many of the newest rows for each value of the field. */
                limit_by?: string;
                /** @description At most so many of the newest time buckets. */
                limit_periods?: number;
                /** @description How times are written: `sec`, `msec`, `usec` or `timeval`. */
                timefmt?: string;
                /** @description `json`, `csv`, `arrow` (an IPC stream) or `parquet`. */
                output?: string;
            };
            header?: never;
            path: {
                /** @description The namespace's name */
                namespace: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The rows, newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    one_field: {
        parameters: {
            query?: {
                /** @description At most so many rows, the newest. */
                limit?: number;
                /** @description `from,to`: each a number of milliseconds or `now()`, optionally less a while such as `-2h`. */
                time?: string;
                /** @description `f(field,value)` with `f` one of `eq`, `lt`, `gt`, `le`, `ge`. May be repeated; all must hold. */
                where?: string[];
                /** @description `sum`, `count`, `min`, `max` or `mean`. */
                operator?: string;
                /** @description `time(5m)`, a field, or both, such as `time(1h),device_id`. */
                group_by?: string;
                /** @description `field,n`: at most so many of the newest rows for each value of the field. */
                limit_by?: string;
                /** @description At most so many of the newest time buckets. */
                limit_periods?: number;
                /** @description How times are written: `sec`, `msec`, `usec` or `timeval`. */
                timefmt?: string;
                /** @description `json`, `csv`, `arrow` (an IPC stream) or `parquet`. */
                output?: string;
            };
            header?: never;
            path: {
                /** @description The namespace's name */
                namespace: string;
                /** @description The field's name, or `all` */
                field: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The rows, newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    list_devices: {
        parameters: {
            query?: {
                /** @description The token's project. */
                project_id?: number;
                /** @description A device's name: the reply is that one device, not a list. */
                name?: string;
                /** @description How many to leave out at the start. */
                offset?: number;
                /** @description How many to show at most; all, unless said. */
                count?: number;
                /** @description `true`: each device of the list with the number of its rows and the times of the first and the last. */
                statistics?: boolean;
                /** @description A text that occurs in a device's id or name, in any letter case. */
                search?: string;
                /** @description Devices of this type. */
                type?: string;
                /** @description Devices in this state: `online`, `late`, `silent` or `never`. */
                state?: string;
                /** @description The order: `name`, `id`, `type`, `created` or `last_seen`; a `-` before it turns it round. */
                sort?: string;
                /** @description `true`: how many devices there are of each type and in each state, each counted without its own filter. */
                facets?: boolean;
                /** @description The unit of those times: `sec`, `msec` or `usec`; `msec`, unless said. */
                timefmt?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The project's devices; with `name`: that one device */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeviceOrList"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    register_device: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewDeviceRequest"];
            };
        };
        responses: {
            /** @description It is registered; with `devices` the reply is a list of them */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeviceOrList"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    show_time: {
        parameters: {
            query?: {
                /** @description `sec`, `msec`, `usec` or `timeval`, in any letter case; `msec`, unless said. */
                timefmt?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The server's time */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServerTime"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    show_device: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The device's id */
                device_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The device */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Device"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    delete_device: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The device's id */
                device_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is removed */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    update_device: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The device's id */
                device_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DeviceUpdate"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Device"];
                };
            };
            /** @description Nothing to change */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    latest_values: {
        parameters: {
            query?: {
                /** @description `sec`, `msec` or `usec`, in any letter case; `msec`, unless said. */
                timefmt?: string;
            };
            header?: never;
            path: {
                /** @description The device's id */
                device_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The values */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LatestValues"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    device_statistics: {
        parameters: {
            query?: {
                /** @description `sec`, `msec` or `usec`, in any letter case; `msec`, unless said. */
                timefmt?: string;
            };
            header?: never;
            path: {
                /** @description The device's id */
                device_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The figures */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeviceStatistics"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    everything: {
        parameters: {
            query?: {
                /** @description At most so many points of each series, the newest; 1000 unless said. */
                limit?: number;
                /** @description Points from this time on, in milliseconds. */
                from?: number;
                /** @description Points up to this time, in milliseconds. */
                to?: number;
                /** @description How times are written: `sec`, `msec`, `usec` or `timeval`. */
                timefmt?: string;
                /** @description Values below this. */
                less_than?: number;
                /** @description Values above this. */
                greater_than?: number;
                /** @description Values equal to this. */
                equals?: number;
                /** @description `sum`, `count`, `min`, `max` or `mean`. */
                operator?: string;
                /** @description A duration such as `15m`: one point for each. */
                group_by?: string;
                /** @description `json` or `csv`. */
                output?: string;
            };
            header?: never;
            path: {
                /** @description The token's project */
                project_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The points */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    one_device: {
        parameters: {
            query?: {
                /** @description At most so many points of each series, the newest; 1000 unless said. */
                limit?: number;
                /** @description Points from this time on, in milliseconds. */
                from?: number;
                /** @description Points up to this time, in milliseconds. */
                to?: number;
                /** @description How times are written: `sec`, `msec`, `usec` or `timeval`. */
                timefmt?: string;
                /** @description Values below this. */
                less_than?: number;
                /** @description Values above this. */
                greater_than?: number;
                /** @description Values equal to this. */
                equals?: number;
                /** @description `sum`, `count`, `min`, `max` or `mean`. */
                operator?: string;
                /** @description A duration such as `15m`: one point for each. */
                group_by?: string;
                /** @description `json` or `csv`. */
                output?: string;
            };
            header?: never;
            path: {
                /** @description The token's project */
                project_id: number;
                /** @description The device's id, or `all` */
                device: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The points */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    one_series: {
        parameters: {
            query?: {
                /** @description At most so many points of each series, the newest; 1000 unless said. */
                limit?: number;
                /** @description Points from this time on, in milliseconds. */
                from?: number;
                /** @description Points up to this time, in milliseconds. */
                to?: number;
                /** @description How times are written: `sec`, `msec`, `usec` or `timeval`. */
                timefmt?: string;
                /** @description Values below this. */
                less_than?: number;
                /** @description Values above this. */
                greater_than?: number;
                /** @description Values equal to this. */
                equals?: number;
                /** @description `sum`, `count`, `min`, `max` or `mean`. */
                operator?: string;
                /** @description A duration such as `15m`: one point for each. */
                group_by?: string;
                /** @description `json` or `csv`. */
                output?: string;
            };
            header?: never;
            path: {
                /** @description The token's project */
                project_id: number;
                /** @description The device's id, or `all` */
                device: string;
                /** @description The series' name, or `all` */
                series: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The points */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    import: {
        parameters: {
            query?: {
                /** @description `table` when the JSON body holds a table; absent when it holds series. */
                fmt?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Series, a table, or binary batches */
        requestBody: {
            content: {
                "application/json": unknown;
                "application/vnd.iobeam.batch": number[];
            };
        };
        responses: {
            /** @description Stored: `{"stored":2,"durable":"disk"}`, and `"repeat":true` if it was before; `"expired":2` when rows are past their namespace's retention and will not be kept */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Something in it is wrong; nothing was stored */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The device or the namespace does not exist */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Busy; come back after Retry-After */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The disk is full; come back after Retry-After */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    list_invites: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The invites */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InviteList"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    create_invite: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["InviteRequest"];
            };
        };
        responses: {
            /** @description The invite, with its code */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewInvite"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    accept_invite: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["InviteCode"];
            };
        };
        responses: {
            /** @description The project */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JoinedProject"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    revoke_invite: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The invite's number, as listed */
                invite_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is revoked */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    live: {
        parameters: {
            query?: {
                /** @description `input`, unless said. */
                namespace?: string;
                /** @description Ids of devices with commas between them; all, unless said. */
                device_id?: string;
                /** @description Names of fields with commas between them; all, unless said. Rows that have none of them are left out. */
                fields?: string;
                /**
                 * @description A point that came with an event, or with the answer of `POST /v1/query`: only what came later follows. The header
                 *     `Last-Event-ID` goes before it.
                 */
                since?: string;
                /** @description How times are written: `sec`, `msec` (the default), `usec` or `timeval`. */
                timefmt?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Events, until either side ends */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    list_namespaces: {
        parameters: {
            query?: {
                /** @description The token's project. */
                project_id?: number;
                /** @description A name: the list holds that namespace only. */
                name?: string;
                /** @description The same. */
                namespace_name?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The namespaces */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NamespaceList"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    create_namespace: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NamespaceRequest"];
            };
        };
        responses: {
            /** @description The namespace was made */
            201: {
                headers: {
                    /** @description Its path */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Namespace"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    show_namespace: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The namespace's number */
                namespace_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The namespace */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Namespace"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    update_namespace: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The namespace's number */
                namespace_id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NamespaceUpdate"];
            };
        };
        responses: {
            /** @description It is so now */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    namespace_statistics: {
        parameters: {
            query?: {
                /** @description `sec`, `msec` or `usec`, in any letter case; `msec`, unless said. */
                timefmt?: string;
            };
            header?: never;
            path: {
                /** @description The namespace's number */
                namespace_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The figures */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NamespaceStatistics"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    document: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OpenAPI 3.1 */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    ping: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Somebody is */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    list_projects: {
        parameters: {
            query?: {
                /** @description The project's name: the reply is that one project, not a list. */
                name?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The caller's projects; with `name`: that one project */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectOrList"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    create_project: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProjectRequest"];
            };
        };
        responses: {
            /** @description The project was made */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Project"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    show_project: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The project's number */
                project_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The project */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Project"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    update_project: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The project's number */
                project_id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProjectUpdate"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Project"];
                };
            };
            /** @description Nothing to change */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    list_project_invites: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The project's number */
                project_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The invites */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectInviteList"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    invite_to_project: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The project's number */
                project_id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProjectInviteRequest"];
            };
        };
        responses: {
            /** @description The invite, with its link */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListedProjectInvite"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    withdraw_project_invite: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The project's number */
                project_id: number;
                /** @description The invite's number, as listed */
                invite_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is withdrawn */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    show_permissions: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The project's number */
                project_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Who may do what */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PermissionsReply"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    set_permissions: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The project's number */
                project_id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PermissionsRequest"];
            };
        };
        responses: {
            /** @description Changed or removed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PermissionsReply"];
                };
            };
            /** @description The user is a new member; no body */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Nothing to change */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    query: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChartRequest"];
            };
        };
        responses: {
            /** @description The points */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Chart"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    show_session: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session; without a good cookie `user` is null */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    sign_in: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SessionRequest"];
            };
        };
        responses: {
            /** @description The session, and its cookie */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    sign_out: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description There is no session any more */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    show_shared: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The dashboard */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Shared"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    query_shared: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SharedQuery"];
            };
        };
        responses: {
            /** @description The points */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Chart"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    sql: {
        parameters: {
            query?: {
                /** @description `json` (the default), `csv`, `arrow` or `parquet`; goes before the header Accept. */
                format?: string;
                /** @description How JSON and CSV write times: `sec`, `msec`, `usec` or `timeval`. */
                timefmt?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Statement"];
            };
        };
        responses: {
            /** @description The rows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                    "text/plain": unknown;
                    "application/vnd.apache.arrow.stream": unknown;
                    "application/vnd.apache.parquet": unknown;
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    list_tokens: {
        parameters: {
            query?: {
                /** @description All tokens of this project, which the caller administers; otherwise the caller's own. */
                project_id?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The tokens */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenList"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    issue_token: {
        parameters: {
            query: {
                /** @description The project. */
                project_id: number;
                /**
                 * @description Whether it may read. Without any of the three it may what the user may; a device's token may not administer
                 *     then.
                 */
                read?: boolean;
                /** @description Whether it may write. */
                write?: boolean;
                /** @description Whether it may administer. */
                admin?: boolean;
                /** @description Whether it is tied to the user, and loses what the user loses; no, unless asked for. */
                include_user?: boolean;
                /** @description How long it lives: a whole number and one of w, d, h, m, s, such as 5w. */
                duration?: string;
                /** @description Whether it can be exchanged for a new one; yes, unless declined. */
                refreshable?: boolean;
                /** @description The only device that it may write as. */
                device_id?: string;
                /** @description What to call it in lists: at most 100 characters. */
                name?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A project token */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectToken"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    refresh_token: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Refresh"];
            };
        };
        responses: {
            /** @description The new token */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectToken"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    log_in: {
        parameters: {
            query?: {
                /** @description A username or an e-mail address. */
                name?: string;
                /** @description The password. */
                password?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A user token */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserToken"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    revoke_token: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The token's number, as listed */
                token_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is revoked */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    find_users: {
        parameters: {
            query?: {
                /** @description A username or an e-mail address: the reply is that one user. */
                name?: string;
                /** @description A text that occurs in a name or an address: the reply is a list. */
                search?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description With `name`: one user; with `search`: a list of users */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserOrList"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    sign_up: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserRequest"];
            };
        };
        responses: {
            /** @description The account was made */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    verify_email: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Verification"];
            };
        };
        responses: {
            /** @description The address is verified */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    show_me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The caller */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    update_me: {
        parameters: {
            query?: {
                /** @description The old password, when a new one is set. Prefer the member of the body: URLs end up in logs. */
                old_password?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserUpdate"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description Nothing to change */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    ask_verification: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description None is needed */
        requestBody: {
            content: {
                "application/json": components["schemas"]["Nothing"];
            };
        };
        responses: {
            /** @description A letter is sent, unless the address is verified already */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    ask_password_reset: {
        parameters: {
            query: {
                /** @description The user's e-mail address. */
                reset: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description If there is such a user, a letter is sent */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
    reset_password: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Reset"];
            };
        };
        responses: {
            /** @description The password is set; every log-in of the user ended */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Errors"];
                };
            };
        };
    };
}
