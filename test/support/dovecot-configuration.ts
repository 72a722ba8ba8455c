/** As whom it works. */
export interface DovecotOwner {
  uid: number;
  gid: number;
  user: string;
  group: string;
}

interface Configured {
  folder: string;
  port: number;
  securePort: number;
  owner: DovecotOwner;
  /** Where it asks whose token it is. */
  tokeninfoUrl: string | undefined;
  /** `2.3` of Debian 12, or `2.4` of Debian 13, which names its settings otherwise. */
  version: string;
}

/** Files of configuration by name: everything in one folder, and no service that wants another user. */
export function dovecotConfiguration(configured: Configured): Record<string, string> {
  const { tokeninfoUrl, version } = configured;
  if (version !== "2.3") return { "dovecot.conf": newer(configured) + common(configured) };
  return {
    "dovecot.conf": older(configured) + common(configured),
    ...(tokeninfoUrl !== undefined && {
      "oauth2.conf": `tokeninfo_url = ${tokeninfoUrl}\nusername_attribute = email\n`,
    }),
  };
}

function common({ folder, port, securePort, owner, tokeninfoUrl }: Configured): string {
  return `base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/dovecot.log
listen = 127.0.0.1
ssl = yes
auth_mechanisms = plain login${tokeninfoUrl === undefined ? "" : " xoauth2 oauthbearer"}
default_internal_user = ${owner.user}
default_internal_group = ${owner.group}
default_login_user = ${owner.user}
first_valid_uid = 1
mail_max_userip_connections = 100
auth_failure_delay = 0
namespace inbox {
  inbox = yes
  separator = /
  mailbox Drafts {
    auto = create
    special_use = \\Drafts
  }
}
service anvil {
  chroot =
}
service imap-login {
  chroot =
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = ${securePort}
  }
}
service stats {
  chroot =
}
`;
}

function older({ folder, owner, tokeninfoUrl }: Configured): string {
  const oauth = `passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = ${folder}/oauth2.conf
}
`;
  return `protocols = imap
ssl_cert = <${folder}/cert.pem
ssl_key = <${folder}/key.pem
disable_plaintext_auth = no
mail_location = maildir:${folder}/mail/%u
${tokeninfoUrl === undefined ? "" : oauth}passdb {
  driver = passwd-file
  mechanisms = plain login
  args = ${folder}/users
}
userdb {
  driver = static
  args = uid=${owner.uid} gid=${owner.gid} home=${folder}/mail/%u
}
`;
}

function newer({ folder, owner, tokeninfoUrl }: Configured): string {
  const oauth = `oauth2 {
  introspection_mode = get
  introspection_url = ${tokeninfoUrl}
  username_attribute = email
}
passdb oauth2 {
  mechanisms_filter = xoauth2 oauthbearer
}
`;
  return `dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
protocols {
  imap = yes
}
ssl_server_cert_file = ${folder}/cert.pem
ssl_server_key_file = ${folder}/key.pem
auth_allow_cleartext = yes
mail_driver = maildir
mail_path = ${folder}/mail/%{user}
${tokeninfoUrl === undefined ? "" : oauth}passdb passwd-file {
  mechanisms_filter = plain login
  passwd_file_path = ${folder}/users
}
userdb static {
  fields {
    uid = ${owner.uid}
    gid = ${owner.gid}
    home = ${folder}/mail/%{user}
  }
}
`;
}
