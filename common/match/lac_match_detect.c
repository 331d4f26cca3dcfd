/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_match_detect.h"

#include "lac_match.h"

/* lac_match_break as triggers say it. */
#define BREAK "(?:[ -](?:\\r?\\n)?|\\r?\\n)"

/* Two passwords can follow, one for each trigger. */
#define SNMP "\\bsnmp(?:get|getnext|walk|bulkget|bulkwalk|set|table|trap|inform|status|test) "

/*
 * Triggers are run where the first pass says that one could begin, and give one end per start, the
 * longest. So they begin with a word, a token of few shapes, or have a rare symbol at a known
 * place: see lac_match_route.c.
 */
/* NOLINTBEGIN(bugprone-suspicious-missing-comma): long triggers go on in the next line */
static const struct lac_match_detector detectors[] = {
    {"email", lac_match_verify_email, {"[A-Za-z0-9_%+'.\\x80-\\xbf-]@[A-Za-z0-9\\x80-\\xff]"}},
    {"ip_address",
     lac_match_verify_ip,
     {"\\b[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]", "::", ":(?:[0-9A-Fa-f]{1,4}:){4}"}},
    {"us_ssn",
     lac_match_verify_ssn,
     {"\\b[0-9]{3}-(?:\\r?\\n)?[0-9]{2}-(?:\\r?\\n)?[0-9]{4}",
      "(?i)\\b(?:ssn|social[ -]security|soc\\. sec\\.|itin)"}},
    {"credit_card",
     lac_match_verify_card,
     {"\\b[1-689][0-9]{3}(?:[0-9]{8}|" BREAK "[0-9]{4}(?:" BREAK "[0-9]{4}|[0-9]{2}" BREAK
      "[0-9]{2}))"}},
    {"iban",
     lac_match_verify_iban,
     {"(?i)\\b[a-z]{2}[0-9]{2}" BREAK "?[a-z0-9]{4}", "\\b[A-Z]{2} [0-9]{2} ?[A-Z0-9]{4}"}},
    {"mac_address",
     lac_match_verify_mac,
     {"\\b[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}\\b",
      "\\b[0-9A-Fa-f]{4}\\.[0-9A-Fa-f]{4}\\.[0-9A-Fa-f]{4}\\b"}},
    {"phone",
     lac_match_verify_phone,
     {"\\b[0-9]{3}[-. ][0-9]{4}", "\\+[ (]{0,2}[1-9]", "(?i)\\b(?:tele)?(?:phone|fon)",
      "(?i)\\b(?:tel|telefono|mobile|mob|cell|cellphone|fax|whatsapp|handy|mobil|mobiel|rufnummer|"
      "celular|movil|cellulare|portable|puhelin|gsm|tlf|sim)\\b",
      "(?i)\\b(?:call|text|reach) (?:me|us|him|her|them)\\b", "(?i)\\b(?:call|dial|sms)\\b",
      "\\b0[0-9]{1,4}[ ./-]\\(?[0-9](?:[ .()-]{0,2}[0-9]){3}", "\\(0[1-9][0-9]{0,3}\\) ?[0-9]{2}"}},
    {"aws_access_key", lac_match_verify_aws_id, {"\\bA(?:KIA|SIA|BIA|CCA|3T[A-Z0-9])[A-Z2-7]"}},
    {"aws_secret_key",
     lac_match_verify_aws_secret,
     {"<(?i)(?:aws[_ -]?)?secret[_ -]?access[_ -]?key", "<(?i)aws[_ -]?secret[_ -]?key"}},
    {"github_token",
     lac_match_verify_github,
     {"\\bgh[opsur]_[A-Za-z0-9]", "\\bgithub_pat_[A-Za-z0-9]"}},
    {"slack_token", lac_match_verify_slack, {"\\bxox[abeoprs][-.][A-Za-z0-9]"}},
    {"openai_key", lac_match_verify_openai, {"\\bsk-[A-Za-z0-9_-]{0,130}T3BlbkFJ"}},
    {"openai_admin_key", lac_match_verify_openai_admin, {"\\bsk-[A-Za-z0-9_-]{0,130}T3BlbkFJ"}},
    {"telegram_token", lac_match_verify_telegram, {"\\b(?:bot)?[0-9]{8,10}:AA[A-Za-z0-9_-]"}},
    {"jwt", lac_match_verify_jwt, {"\\beyJ[A-Za-z0-9_-]"}},
    {"jwk", lac_match_verify_jwk, {"\"kty\""}},
    {"password_value",
     lac_match_verify_password,
     {"<(?i)(?:db|my|pg|user|admin|root|mysql|redis|ldap|smtp|ftp|mail|proxy|key)?"
      "pass(?:w(?:or[dt]|d)|phrase|code)",
      "<(?i)(?:db|user|admin|login|proxyuser)?pwd", "<(?i)kennwort",
      "<(?i)(?:db|my|pg|user|admin|root|mysql|redis|ldap|smtp|ftp|mail)?pass"
      "(?:[\\\\\"']{0,4}[ \t]{0,16}(?:[=:>]|<-)|[\"'], ?[\"']|[\"'] value=|"
      "[\"'`]?(?:[,;\t\r\n]|[ \t]{0,16}\\|))",
      "<(?i)(?:(?:pg|root)?pw|psk)[\"']? ?[=:]",
      "(?i)\\b(?:requirepass|masterauth|bindpw|rootpw|convertto-securestring(?: -string)?|"
      "identified (?:with [a-z0-9_]{1,40} )?by) ",
      "<(?i)(?:mot[ _]?de[ _]?passe|contrase[nñ]a|senha|wachtwoord|has[lł]o|l[oö]senord|heslo|"
      "salasana|jelsz(?:[oó]|av)|passord|adgangskode|kodeord|lozinka|geslo|parol[ae]?|parool|"
      "slapta[zž]od|kata sandi|palavra[- ]passe|clave (?:de acceso|wifi|del? "
      "(?:wifi|servidor)))",
      "<(?i)(?:pswd|psswd|pswrd|psswrd|passwrd|pasword)", "(?i)sword[\"']? ?[=:]", "(?i)-pass ",
      "(?i)\\bmdp\\b"}},
    {"native_password",
     lac_match_verify_native_password,
     {"(?:[Пп]арол|ПАРОЛ|[Кк]одов(?:ое слово|а дума))", "(?:[Лл]озинк|ЛОЗИНК)",
      "(?:[Κκ]ωδικ|ΚΩΔΙΚ)", "(?:סיסמ|ססמ)",
      "(?:كلمة المرور|كلمة السر|كلمة سر|رمز المرور|رمز عبور|گذرواژه)",
      "(?:密码|密碼|口令|暗号|通行碼|暗証番号)",
      "(?:パスワード|パスコード|비밀번호|비번|패스워드|암호)",
      "(?:รหัสผ่าน|पासवर्ड|পাসওয়ার্ড|mật khẩu|Mật khẩu|şifre|Şifre)"}},
    {"secret_value",
     lac_match_verify_assigned_key,
     {"<(?i)(?:client|app)?secret", "<(?i)private[ _.-]?key", "<(?i)signing[ _.-]?key",
      "<(?i)encryption[ _.-]?key", "<(?i)credential", "(?i)secret[\"']? ?[=:]"}},
    {"api_key_value",
     lac_match_verify_assigned_key,
     {"<(?i)api[_ .-]?key", "<(?i)access[ _.-]?key", "<(?i)auth[ _.-]?key",
      "<(?i)account[ _.-]?key", "<(?i)master[ _.-]?key", "(?i)apikey[\"']? ?[=:]"}},
    {"key_value",
     lac_match_verify_key,
     {"<(?i)key[\"']?[ \t]{0,16}[=:>]", "<(?i)key is ",
      "<(?i)(?:auth(?:orization)?|creds?)[\"']?[ \t]{0,16}[=:>]", "<KEY ", "<(?i)key (?:- )?[\"']",
      "(?i)-key ", "(?i)-auth "}},
    {"token_value",
     lac_match_verify_token,
     {"<(?i)(?:access|auth|refresh|session)?token", "<(?i)pat[\"']?[ \t]{0,16}[=:>]", "(?i)-pat ",
      "(?i)token[\"']? ?[=:]"}},
    {"postgres_url", lac_match_verify_url_login, {"\\bpostgres(?:ql)?(?:\\+[a-z0-9]{2,10})?://"}},
    {"mysql_url", lac_match_verify_url_login, {"\\b(?:mysqlx?|mariadb)(?:\\+[a-z0-9]{2,12})?://"}},
    {"mongodb_url", lac_match_verify_url_login, {"\\bmongodb(?:\\+srv)?://"}},
    {"redis_url", lac_match_verify_url_login, {"\\b(?:redis|rediss|valkey)://"}},
    {"amqp_url", lac_match_verify_url_login, {"\\bamqps?://"}},
    {"mssql_url", lac_match_verify_url_login, {"\\b(?:mssql|sqlserver)(?:\\+[a-z]{2,10})?://"}},
    {"oracle_url", lac_match_verify_url_login, {"\\boracle(?:\\+[a-z_]{2,12})?://"}},
    {"clickhouse_url", lac_match_verify_url_login, {"\\bclickhouse(?:s|\\+[a-z]{2,8})?://"}},
    {"cockroachdb_url", lac_match_verify_url_login, {"\\bcockroach(?:db)?://"}},
    {"cassandra_url", lac_match_verify_url_login, {"\\b(?:cassandra|scylla)://"}},
    {"neo4j_url", lac_match_verify_url_login, {"\\b(?:neo4j|bolt)(?:\\+s{1,2}c?)?://"}},
    {"couch_url", lac_match_verify_url_login, {"\\bcouch(?:bases?|db)://"}},
    {"nats_url", lac_match_verify_url_login, {"\\bnats://"}},
    {"mqtt_url", lac_match_verify_url_login, {"\\bmqtts?://"}},
    {"kafka_url", lac_match_verify_url_login, {"\\bkafka(?:\\+ssl)?://"}},
    {"ldap_url", lac_match_verify_url_login, {"\\bldaps?://"}},
    {"ftp_url", lac_match_verify_url_login, {"\\b(?:ftps?|sftp|ftpes)://"}},
    {"ssh_url", lac_match_verify_url_login, {"\\b(?:ssh|scp|telnet|vnc|rdp)://"}},
    {"mail_url", lac_match_verify_url_login, {"\\b(?:smtps?|imaps?|pop3?s?)://"}},
    {"smb_url", lac_match_verify_url_login, {"\\b(?:smb|cifs|davs?|webdavs?|afp)://"}},
    {"stream_url", lac_match_verify_url_login, {"\\b(?:rtsps?|rtmps?|sips?|turns?|srt)://"}},
    {"sip_login", lac_match_verify_sip_login, {"(?i)\\bsips?:"}},
    {"proxy_url", lac_match_verify_url_login, {"\\bsocks[45]?[ah]?://"}},
    {"basic_auth_url", lac_match_verify_url_login, {"\\b(?:https?|wss?)://"}},
    {"git_url", lac_match_verify_url_login, {"\\b(?:git|svn)(?:\\+(?:https?|ssh))?://"}},
    {"database_url",
     lac_match_verify_url_login,
     {"\\b(?:snowflake|redshift|vertica|trino|presto|hive2?|impala|db2|firebird|hana|exasol|"
      "teradatasql|databricks|influxdb|elasticsearch|opensearch|etcd|consul|memcached|"
      "arangodb|rethinkdb|surrealdb|dgraph|questdb|timescaledb|yugabytedb|libsql|turso|"
      "tdengine)(?:\\+[a-z0-9]{2,12})?://"}},
    {"any_url", lac_match_verify_any_url_login, {"://"}},
    {"pkcs8_key",
     lac_match_verify_long_token,
     {"\\bMII[A-P][A-Za-z0-9+/]{2}IBADANBgkqhkiG9w0BAQEFAASC"}},
    {"rsa_key",
     lac_match_verify_long_token,
     {"\\bMII[A-P][A-Za-z0-9+/]{2}IBAA(?:KCA[QgA-P]|KB[gw]Q|J[Bh]A)"}},
    {"ec_key",
     lac_match_verify_long_token,
     {"\\bMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg",
      "\\bMIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBD"}},
    {"openssh_key", lac_match_verify_long_token, {"\\bb3BlbnNzaC1rZXktdjEA"}},
    {"pem_in_base64",
     lac_match_verify_long_token,
     {"\\bLS0tLS1CRUdJTi[A-Za-z0-9+/]{0,24}"
      "(?:UFJJVkFURSBLRVk(?:t|gQkxPQ0)|BSSVZBVEUgS0VZL|QUklWQVRFIEtFWS)"}},
    {"pkcs12",
     lac_match_verify_long_token,
     {"\\bMI[I-L][A-Za-z0-9+/]{2}[AQgw]IBAzCC[A-Za-z0-9+/]{3}GCSqGSIb3DQEHAa"}},
    {"java_keystore", lac_match_verify_long_token, {"/u3\\+7QAAAAIAAAA"}},
    {"saml_response", lac_match_verify_long_token, {"\\bSAML(?:Response|art)=(?:PHNhbW|PD94bW)"}},
    {"dropbox_token", lac_match_verify_dropbox, {"\\bsl\\.(?:u\\.)?[A-Za-z0-9_-]{60}"}},
    {"linkedin_token", lac_match_verify_long_token, {"\\bAQ[A-Z][A-Za-z0-9_-]{80}"}},
    {"connection_string", lac_match_verify_connection, {"<(?i)password ?=", "<(?i)pwd ?="}},
    {"bearer_token",
     lac_match_verify_bearer,
     {"(?i)\\bbearer ", "(?i)\\bauthorization[\"']? ?[:=,] ?[\"']?"
                        "(?:(?:api[-_ ]?)?(?:token|key)|(?:zoho-)?oauth(?:token)?|ssws) "
                        "(?:token=)?[\"']?"}},
    {"basic_credentials", lac_match_verify_basic, {"(?i)\\bbasic "}},
    {"command_login", lac_match_verify_command_login, {"\\bcurl ", "\\blftp "}},
    {"samba_login",
     lac_match_verify_samba_login,
     {"\\b(?:smbclient|rpcclient|smbget|smbcacls|smbpasswd|smbtree|winexe|wmic) ",
      "\\bnet (?:ads|rpc) "}},
    {"command_password",
     lac_match_verify_command_password,
     {"\\b(?:mysql|mysqldump|mysqladmin|mariadb) ", "\\bsshpass ",
      "\\b(?:docker|podman|skopeo|buildah|"
      "helm registry|oc|az|cf|twine|mongo|mongosh|mongodump|"
      "mongorestore|kinit|cqlsh|evil-winrm|crackmapexec|netexec|nxc|hydra|medusa) (?:login |upload "
      ")?",
      "\\b(?:redis|valkey)-cli ", "\\bldap(?:search|modify|add|delete|passwd|whoami) ",
      "(?i)\\bpsexec(?:64)?(?:\\.exe)? ", "(?i)\\b(?:plink|pscp|psftp)(?:\\.exe)? ",
      "(?i)\\b(?:sqlcmd|osql|bcp|unzip|zip|ipmitool)(?:\\.exe)? ",
      "(?i)\\b(?:7z[ar]?|rar|unrar|rdesktop)(?:\\.exe)? ",
      "\\b(?:keytool|jarsigner|openssl|ssh-keygen) ",
      "(?i)\\b(?:[xw]freerdp3?|schtasks)(?:\\.exe)? ", SNMP, SNMP}},
    {"command_argument",
     lac_match_verify_command_argument,
     {"(?i)\\bnet1?(?:\\.exe)? user ", "(?i)\\bnet1?(?:\\.exe)? use ", "\\bhtpasswd2? ",
      "\\b(?:rabbitmqctl (?:add_user|change_password)|wpa_passphrase) ", "\\brclone obscure ",
      "(?i)\\b(?:sqlplus|expdp|impdp|sqlldr)(?:\\.exe)? ", "\\bchpasswd\\b",
      "\\b(?:sudo -k?S|passwd --stdin|password-stdin|kinit|passphrase-fd 0)\\b",
      "(?i)\\b(?:enable (?:password|secret)|snmp-server community|(?:tacacs|radius)-server key|"
      "crypto isakmp key|wpa-psk ascii|key-string|message-digest-key [0-9]{1,3} md5|"
      "ppp (?:chap|pap) password|username [!-~]{1,32} (?:privilege [0-9]{1,2} )?"
      "(?:password|secret)) ",
      "\\b(?:impacket-[A-Za-z]{3,16}|(?:secretsdump|psexec|wmiexec|smbexec|atexec|dcomexec|"
      "smbclient|mssqlclient|lookupsid|samrdump|services|rpcdump|addcomputer|Get(?:NPUsers|"
      "UserSPNs|ADUsers)|get(?:TGT|ST|Pac))\\.py) "}},
    {"pgpass", lac_match_verify_pgpass, {":(?:5432|5433|6432):"}},
    {"seed_phrase",
     lac_match_verify_seed_phrase,
     {"<(?i)(?:seed|recovery|backup|mnemonic|secret)[_ ](?:phrase|words)", "<(?i)mnemonic"}},
    {"private_key",
     lac_match_verify_private_key,
     {"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----",
      "-----BEGIN PGP SECRET KEY BLOCK-----"}},
    {"openvpn_key",
     lac_match_verify_openvpn_key,
     {"-----BEGIN OpenVPN (?:Static key V1|tls-crypt-v2 (?:client|server) key|"
      "auth-token server key)-----"}},
    {"ssh2_key", lac_match_verify_ssh2_key, {"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----"}},
    {"putty_key",
     lac_match_verify_putty_key,
     {"\\bPuTTY-User-Key-File-[1-9]: ", "\\bPrivate-Lines: "}},
};
/* NOLINTEND(bugprone-suspicious-missing-comma) */

const struct lac_match_detector *lac_match_detector_find(struct lac_str name)
{
    for (size_t i = 0; i < LAC_COUNT(detectors); i++)
        if (lac_str_is(name, detectors[i].name))
            return &detectors[i];
    return NULL;
}

enum lac_match_join lac_match_detector_joins(const struct lac_match_detector *d)
{
    static const struct {
        lac_match_verify *verify;
        enum lac_match_join joins;
    } whole[] = {
        {lac_match_verify_ssn, LAC_MATCH_JOIN_NUMBER},
        {lac_match_verify_card, LAC_MATCH_JOIN_NUMBER},
        {lac_match_verify_iban, LAC_MATCH_JOIN_NUMBER},
        {lac_match_verify_aws_id, LAC_MATCH_JOIN_TOKEN},
        {lac_match_verify_aws_secret, LAC_MATCH_JOIN_TOKEN},
        {lac_match_verify_github, LAC_MATCH_JOIN_TOKEN},
        {lac_match_verify_slack, LAC_MATCH_JOIN_TOKEN},
        {lac_match_verify_openai, LAC_MATCH_JOIN_TOKEN},
        {lac_match_verify_openai_admin, LAC_MATCH_JOIN_TOKEN},
        {lac_match_verify_jwt, LAC_MATCH_JOIN_TOKEN},
    };

    for (size_t i = 0; i < LAC_COUNT(whole); i++)
        if (whole[i].verify == d->verify)
            return whole[i].joins;
    return LAC_MATCH_JOIN_NONE;
}

lac_match_below *lac_match_detector_below(const struct lac_match_detector *d)
{
    if (d->verify == lac_match_verify_password)
        return lac_match_below_password;
    return d->verify == lac_match_verify_assigned_key || d->verify == lac_match_verify_token
               ? lac_match_below_secret
               : NULL;
}

bool lac_match_detector_known(struct lac_str name)
{
    return lac_match_detector_find(name) != NULL;
}

const char *lac_match_detector_at(size_t index)
{
    return index < LAC_COUNT(detectors) ? detectors[index].name : NULL;
}

size_t lac_match_digits_back(struct lac_str t, size_t to, size_t count)
{
    while (to > 0 && count > 0)
        count -= lac_match_is_digit((unsigned char)t.ptr[--to]);
    return to;
}

/* The length of the line end at `i`, 0 when there is none. */
static size_t line_end(struct lac_str t, size_t i)
{
    if (lac_match_byte(t, i) == '\r')
        return lac_match_byte(t, i + 1) == '\n' ? 2 : 0;
    return lac_match_byte(t, i) == '\n';
}

size_t lac_match_break(struct lac_str t, size_t i, unsigned char *kind)
{
    unsigned char c = lac_match_byte(t, i);
    size_t lead = c == ' ' || c == '-';

    *kind = c == '-' ? '-' : ' ';
    return lead + line_end(t, i + lead);
}

size_t lac_match_break_back(struct lac_str t, size_t to)
{
    size_t i = to;

    if (lac_match_before(t, i) == '\n') {
        i--;
        i -= lac_match_before(t, i) == '\r';
    }
    return to - i + lac_match_is_in(lac_match_before(t, i), " -");
}

bool lac_match_number_may_start(struct lac_str t, size_t i)
{
    unsigned char c = lac_match_before(t, i);
    unsigned char before = i >= 2 ? (unsigned char)t.ptr[i - 2] : 0;

    if (lac_match_is_alnum(c) || c == '_')
        return false;
    if (c == '.' && before && lac_match_is_in(before, "-+,;=([")) /* "-.4111" is a decimal */
        return false;
    if (c == '-' && before == '_') /* "blk_-4433" */
        return false;
    if (c == '.' || c == '-' || c == ',' || c == '/' || c == ':')
        return !lac_match_is_digit(before);
    return true;
}

bool lac_match_number_may_end(struct lac_str t, size_t i)
{
    unsigned char c = lac_match_byte(t, i);

    if (lac_match_is_alnum(c) || c == '_')
        return false;
    if (c == '.' || c == '-' || c == '/' || c == ':')
        return !lac_match_is_digit(lac_match_byte(t, i + 1));
    return true;
}
