/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: secrets without a prefix are found where they stand and to the byte, and what people write
 * in their place is none; keys and tokens with an inner structure are decided by it. Method: tables
 * of texts per detector and of tokens per validator, each near miss differing in one thing.
 */
#include "lac_match.h"

#include <string.h>

#include "lac_match_secret.h"
#include "lac_match_validate.h"
#include "lac_test.h"

enum { FIELD_BYTES = 1 << 16, HITS = 16 };

struct row {
    const char *text;
    const char *want; /* what is hit, joined by '|' */
};

#define LONG \
    "Zk3vQ8xLr0TnWb7YcPd2MhJf5GsUe1AoQi4XtP9nKq7mLp2wVb6RyDs8HgTj0FxCzNuEa3Bk" /* 74 bytes */

static void check(const char *detector, const struct row *rows, size_t count)
{
    static struct lac_match_hit at[HITS];
    struct lac_match_hits hits = {.at = at, .capacity = HITS};
    struct lac_match_rule rule = {.id = LAC_STR("r"),
                                  .entity = LAC_STR("E"),
                                  .tier = LAC_TIER_PROPRIETARY,
                                  .score = 1000000,
                                  .detector = lac_str_from(detector)};
    struct lac_match_scratch *s = NULL;
    struct lac_match *m = NULL;
    struct lac_err err = {0};

    LAC_TEST_EQ(lac_match_open(&m, &rule, 1, NULL, &err), LAC_OK);
    LAC_TEST_EQ(lac_match_scratch_open(&s, FIELD_BYTES, &err), LAC_OK);
    LAC_TEST_NEED(m && s);
    LAC_TEST_EQ(lac_match_scratch_fit(s, m, &err), LAC_OK);
    for (size_t i = 0; i < count; i++) {
        char out[4096];
        size_t n = 0;

        lac_test_row("%s: %.80s", detector, rows[i].text);
        LAC_TEST_EQ(lac_match_scan(m, s, lac_str_from(rows[i].text), &hits, &err), LAC_OK);
        out[0] = 0;
        for (size_t k = 0; k < hits.count && n < sizeof(out); k++)
            n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%.*s", k ? "|" : "",
                                  (int)(at[k].end - at[k].start), rows[i].text + at[k].start);
        LAC_TEST_STR(out, rows[i].want);
    }
    lac_match_scratch_close(s);
    lac_match_close(m);
}

static void passwords_are_found_in_assignments_and_sentences(void)
{
    static const struct row rows[] = {
        {"DB_PASSWORD=sunflower\nX=1", "sunflower"},
        {"MYSQL_ROOT_PASSWORD: whalehello", "whalehello"},
        {"password: \"Tr0ub4dor&3\",", "Tr0ub4dor&3"},
        {"{\"password\":\"hunter2!x\"}", "hunter2!x"},
        {"{\\\"password\\\": \\\"hunter2!x\\\"}", "hunter2!x"},
        {"const userPassword = 'Kq7#mLp2';", "Kq7#mLp2"},
        {"password: str = \"Kq7#mLp2\"", "Kq7#mLp2"},
        {"'password' => 'Kq7#mLp2',", "Kq7#mLp2"},
        {"config['password'] = 'Kq7#mLp2'", "Kq7#mLp2"},
        {"<Password>Kq7#mLp2</Password>", "Kq7#mLp2"},
        {"<add key=\"Password\" value=\"Kq7#mLp2\"/>", "Kq7#mLp2"},
        {"run --password Kq7#mLp2 --x", "Kq7#mLp2"},
        {"Connect-Host -Server a -Password Kq7#mLp2", "Kq7#mLp2"},
        {"the -debug-pass=Executions option", ""},
        {"parola: Kq7#mLp2", "Kq7#mLp2"},
        {"the password is Kq7#mLp2.", "Kq7#mLp2"},
        {"Passwort: Sommer2024!", "Sommer2024!"},
        {"SMTP_PASS=Kq7#mLp2", "Kq7#mLp2"},
        {"pass: 'Kq7#mLp2'", "Kq7#mLp2"},
        {"password=Kq7mLp2&next=1", "Kq7mLp2"},
        {"adduser --disabled-password --no-create-home2", ""},
        {" * @ATTR_SAE_PASSWORD: attribute for passing", ""},
        {"password: letters", ""},
        {"the password is incorrect", ""},
        {"password: ${DB_PASSWORD}", ""},
        {"password: {{ db_password }}", ""},
        {"password = os.environ[\"DB_PASS1\"]", ""},
        {"password: req.body.password2", ""},
        {"password=getpass1(x)", ""},
        {"password_hash: \"5f4dcc3b5aa765d\"", ""},
        {"PASSWORD=changeme1", ""},
        {"password = \"<your password 1>\"", ""},
        {"password: \"$2b$12$abcdefghijklmnopqrstuv\"", ""},
        {"FSDiscriminatorPass::Pass1", ""},
        {"&quot;Password is correct.&quot;", ""},
        {"compass=N45E13", ""},
        {"password == null", ""},
        {"password: SHA-256", ""},
        {"password?: string1;", ""},
        {"password='" LONG LONG LONG LONG "'", ""}, /* longer than any */
        {"password:", ""},
        {"password=", ""},
        {"password = '", ""},
    };

    check("password_value", rows, LAC_COUNT(rows));
}

static void passwords_are_found_behind_words_of_other_scripts(void)
{
    static const struct row rows[] = {
        {"Пароль: Kq7#mLp2", "Kq7#mLp2"},
        {"ПАРОЛЬ=sunflower\n", "sunflower"},
        {"пароль от базы: Kq7#mLp2.", "Kq7#mLp2"},
        {"пароль — Kq7#mLp2", "Kq7#mLp2"},
        {"пароль `Kq7#mLp2`", "Kq7#mLp2"},
        {"登录密码：Kq7#mLp2，谢谢", "Kq7#mLp2"},
        {"密码是Kq7#mLp2", "Kq7#mLp2"},
        {"密码：914207", "914207"},
        {"パスワードはKq7#mLp2です", "Kq7#mLp2"},
        {"비밀번호는 Kq7#mLp2", "Kq7#mLp2"},
        {"Κωδικός: Kq7#mLp2", "Kq7#mLp2"},
        {"סיסמה: Kq7#mLp2", "Kq7#mLp2"},
        {"كلمة السر: Kq7#mLp2", "Kq7#mLp2"},
        {"รหัสผ่าน: Kq7#mLp2", "Kq7#mLp2"},
        {"Пароль: ${DB_PASSWORD}", ""},
        {"Пароль: <password1>", ""},
        {"пароль: https://acme.test/reset1", ""},
        {"пароль: required, always", ""},
        {"пароль должен иметь 8 символов", ""},
        {"пароль. Затем: Kq7#mLp2", ""},
        {"密码", ""},
        {"密码：", ""},
    };

    check("native_password", rows, LAC_COUNT(rows));
}

/* What stands between a name and its value, language by language and file by file. */
static void values_are_found_in_all_forms_of_an_assignment(void)
{
    static const struct row rows[] = {
        {"PGPASSWORD=Kq7#mLp2 psql", "Kq7#mLp2"},
        {"PASSWORD ?= Kq7#mLp2", "Kq7#mLp2"},
        {"PASSWORD ::= Kq7#mLp2", "Kq7#mLp2"},
        {"$password .= 'Kq7#mLp2';", "Kq7#mLp2"},
        {"var password string = \"Kq7#mLp2\"", "Kq7#mLp2"},
        {"let password: &str = \"Kq7#mLp2\";", "Kq7#mLp2"},
        {"char password[16] = \"Kq7#mLp2\";", "Kq7#mLp2"},
        {"password = b'Kq7#mLp2'", "Kq7#mLp2"},
        {"password = @\"Kq7#mLp2\";", "Kq7#mLp2"},
        {"password = \"\"\"Kq7#mLp2\"\"\"", "Kq7#mLp2"},
        {"<password>\n  Kq7#mLp2\n</password>", "Kq7#mLp2"},
        {"<password><![CDATA[Kq7#mLp2]]></password>", "Kq7#mLp2"},
        {"<entry key=\"password\">Kq7#mLp2</entry>", "Kq7#mLp2"},
        {"setProperty(\"db.password\", \"Kq7#mLp2\")", "Kq7#mLp2"},
        {".password(\"Kq7#mLp2\")", "Kq7#mLp2"},
        {"SET PASSWORD FOR a = PASSWORD('Kq7#mLp2')", "Kq7#mLp2"},
        {"ALTER ROLE a PASSWORD 'Kq7#mLp2'", "Kq7#mLp2"},
        {"CREATE USER a IDENTIFIED BY 'Kq7#mLp2'", "Kq7#mLp2"},
        {"- name: DB_PASSWORD\n  value: Kq7#mLp2", "Kq7#mLp2"},
        {"{\"name\": \"DB_PASSWORD\", \"value\": \"Kq7#mLp2\"}", "Kq7#mLp2"},
        {"password: |\n  Kq7#mLp2\n", "Kq7#mLp2"},
        {"ENV DB_PASSWORD sunflower", "sunflower"},
        {"SetEnv DB_PASSWORD Kq7#mLp2", "Kq7#mLp2"},
        {"requirepass Kq7#mLp2", "Kq7#mLp2"},
        {"ConvertTo-SecureString \"Kq7#mLp2\" -AsPlainText", "Kq7#mLp2"},
        {"the password for the stage is Kq7#mLp2.", "Kq7#mLp2"},
        {"das Passwort lautet Kq7#mLp2", "Kq7#mLp2"},
        {"mot de passe : Kq7#mLp2", "Kq7#mLp2"},
        {"contraseña: Kq7#mLp2", "Kq7#mLp2"},
        {"hasło=Kq7#mLp2", "Kq7#mLp2"},
        {"wachtwoord：Kq7#mLp2", "Kq7#mLp2"}, /* full-width colon */
        {"--- PASS: TestAdd/floats_2 (0.00s)", ""},
        {"the --password options above", ""},
        {"PASSWORD_ENV = 'KRB5_PASSWORD'", ""},
        {"'password' => $user7->password,", ""},
        {"[\"password\", \"address1\"]", ""},
        {"Moved(\"PasswordMgr\", \"urllib2\")", ""},
        {"name=\"password\" id=\"field1-pw\"", ""},
        {"- name: PASSWORD\n  valueFrom: secret1", ""},
        {"<password>\n  <hash1/>\n</password>", ""},
        {"password('a1-', b)", ""},
        {"f(\"user\", \"password\", \"address1\")", ""},
        {"{ \"password\", \"address1\" }", ""},
        {"OLDPWD=/home/anna7", ""},
    };
    static const struct row defaults[] = {
        {"process.env.API_KEY || 'k3J9dLq0Zx7Tn2VbY5cW'", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"getenv('API_KEY') or 'k3J9dLq0Zx7Tn2VbY5cW'", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"the access key k3J9dLq0Zx7Tn2VbY5cW of the bot", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"access key: k3J9dLq0Zx7Tn2VbY5cW", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"googleapikey: k3J9dLq0Zx7Tn2VbY5cW", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"/get?api_key=k3J9dLq0Zx7Tn2VbY5cW&V1", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"env.put(\"API_KEY\", \"k3J9dLq0Zx7Tn2VbY5cW\");", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"buildConfigField 'String' , 'API_KEY' , '\"k3J9dLq0Zx7Tn2VbY5cW\"'",
         "k3J9dLq0Zx7Tn2VbY5cW"},
        {"field(\"String\", \"API_KEY\", \"\\\"k3J9dLq0Zx7Tn2VbY5cW\\\"\")",
         "k3J9dLq0Zx7Tn2VbY5cW"},
        {"[\"api_key\", \"k3J9dLq0Zx7Tn2VbY5cW\"]", ""},
        {"{ \"ApiKey\", \"k3J9dLq0Zx7Tn2VbY5cW\" }", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"{\"ApiKey\", \"k3J9dLq0Zx7Tn2VbY5cW\"}", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"const apiKey =\n    \"k3J9dLq0Zx7Tn2VbY5cW\";", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"api_key =\nk3J9dLq0Zx7Tn2VbY5cW = 1", ""},
    };
    static const struct row keys[] = {
        {"ACME_KEY=k3J9dLq0Zx7Tn2VbY5cW", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"\"acmeKey\": \"k3J9dLq0Zx7Tn2VbY5cW\"", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"key=k3J9dLq0Zx7Tn2VbY5cW", ""},
        {"cache_key = 'k3J9dLq0Zx7Tn2VbY5cW'", ""},
        {"PUBLIC_KEY=k3J9dLq0Zx7Tn2VbY5cW", ""},
        {"getKey = xmlSecKeysMngrGetKeyFromAll", ""},
        {"settingsKey='tr.e.cc.layerTreeQuad.mouse1Mode2Sel3'", ""},
        {"monkey='k3J9dLq0Zx7Tn2VbY5cW'", ""},
        /* "map", "hot" and "lock" are no parts of these */
        {"semaphore_key=k3J9dLq0Zx7Tn2VbY5cW", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"shotstackKey=k3J9dLq0Zx7Tn2VbY5cW", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"blocknative_key=k3J9dLq0Zx7Tn2VbY5cW", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"sourceMapKey=k3J9dLq0Zx7Tn2VbY5cW", ""},
        {"hot_key=k3J9dLq0Zx7Tn2VbY5cW", ""},
        /* nor are "data", "message" and "map" of these */
        {"datadogKey=k3J9dLq0Zx7Tn2VbY5cW", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"MAPQUEST_KEY=k3J9dLq0Zx7Tn2VbY5cW", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"messagebird_key=k3J9dLq0Zx7Tn2VbY5cW", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"data_key=k3J9dLq0Zx7Tn2VbY5cW", ""},
        {"itemsKey=k3J9dLq0Zx7Tn2VbY5cW", ""},
        {"MESSAGE_KEY=k3J9dLq0Zx7Tn2VbY5cW", ""},
        {"acme_key='dLqZxTnVbYcWKJRsPgNmHtQwXz7Bfe'", "dLqZxTnVbYcWKJRsPgNmHtQwXz7Bfe"},
        {"acme_key='theKeyThatOpensTheFrontDoor1Again'", ""},
        {"acme_key='v2.k3J9dLq0Zx7Tn2VbY5cW.h8'", "v2.k3J9dLq0Zx7Tn2VbY5cW.h8"},
        /* whose key it is, as a word before it */
        {"Acme KEY=k3J9dLq0Zx7Tn2VbY5cW", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"the Acme key is k3J9dLq0Zx7Tn2VbY5cW.", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"acme KEY k3J9dLq0Zx7Tn2VbY5cW", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"acme key - 'k3J9dLq0Zx7Tn2VbY5cW'", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"using key = k3J9dLq0Zx7Tn2VbY5cW", ""},
        {"cache key: k3J9dLq0Zx7Tn2VbY5cW", ""},
        {"row_id key: k3J9dLq0Zx7Tn2VbY5cW", ""},
        {"acme key: '=k3J9dLq0Zx7Tn2VbY5cW'", ""},
        {"PRIMARY KEY k3J9dLq0Zx7Tn2VbY5cW", ""},
        {"Authorization: k3J9dLq0Zx7Tn2VbY5cW", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"creds = k3J9dLq0Zx7Tn2VbY5cW", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"author: k3J9dLq0Zx7Tn2VbY5cW", ""},
        {"auth_type: k3J9dLq0Zx7Tn2VbY5cW", ""},
    };
    static const struct row tokens[] = {
        {"the deploy token k3J9dLq0Zx7Tn2VbY5cW, again", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"ACME TOKEN - 'k3J9dLq0Zx7Tn2VbY5cW'", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"ADO_PAT=k3J9dLq0Zx7Tn2VbY5cW", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"refresh_token: " LONG LONG LONG LONG LONG ";", LONG LONG LONG LONG LONG},
        {"refresh_token='" LONG LONG LONG LONG LONG "='", LONG LONG LONG LONG LONG "="},
        {"the token bucketThatRefillsEveryMinute", ""},
        {"token k3J9dLq0", ""},
        {"pat = 'k3J9 dLq0Zx7Tn2VbY5cW'", ""},
        {"token: 7Tn2VbY5:k3J9dLq0ZxcW", "7Tn2VbY5:k3J9dLq0ZxcW"},
        {"token: sha512:k3J9dLq0Zx7Tn2VbY5cW", ""},
        {"token: a1:b2:k3J9dLq0Zx7Tn2VbY5cW", ""},
        {"token: k3J9dLq0=Zx7Tn2VbY5cW-8", "k3J9dLq0=Zx7Tn2VbY5cW-8"},
        {"token = <<-'EOT'\n  k3J9dLq0Zx7Tn2VbY5cW\nEOT", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"token = x << k3J9dLq0Zx7Tn2VbY5cW", ""},
        {"token: 'k3J9dL7n2VbY'", "k3J9dL7n2VbY"},
        {"acmetoken=k3J9dLq0Zx7Tn2VbY5cW", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"csrfmiddlewaretoken=k3J9dLq0Zx7Tn2VbY5cW", ""},
        {"name=\"authenticity_token\" value=\"k3J9dLq0Zx7Tn2VbY5cW\"", ""},
        {"__RequestVerificationToken=k3J9dLq0Zx7Tn2VbY5cW", ""},
        {"tokenised k3J9dLq0Zx7Tn2VbY5cW", ""},
        {"token: 'k3J9-dL7n2VbY'", ""},
        {"token: 'version12beta'", ""},
    };

    static const struct row signs[] = {
        {"SECRET_KEY = 'k4)w&t7!z@b2n9^x5q$m8d(3h6#'", "k4)w&t7!z@b2n9^x5q$m8d(3h6#"},
        {"SECRET_KEY = k4)w&t7!z@b2n9^x5q$m8d(3h6#", ""},     /* no quotes: an expression */
        {"secret = '^(a1b2|c3d4)!(e5f6)?g7h8i9j0'", ""},      /* one of a regular language */
        {"secret = 'ftp://a1?b2=c3&d4=e5%f6@g7!h8(i9)'", ""}, /* an address */
        {"secret = 'Why? (what_is_it_good_for)!'", ""},
        {"<secret>{acme k3J9dLq0Zx7Tn2VbY5cW}</secret>", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"<secret>{k3J9dLq0Zx7Tn2VbY5cW}</secret>", ""}, /* a name to fill in */
    };

    check("password_value", rows, LAC_COUNT(rows));
    check("secret_value", signs, LAC_COUNT(signs));
    check("api_key_value", defaults, LAC_COUNT(defaults));
    check("key_value", keys, LAC_COUNT(keys));
    check("token_value", tokens, LAC_COUNT(tokens));
}

static void keys_and_tokens_need_to_look_random(void)
{
    static const struct row secrets[] = {
        {"client_secret: \"k3J9dLq0Zx7Tn2VbY5cW\"", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"secret key: k3J9dLq0Zx7Tn2VbY5cW", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"--client-secret k3J9dLq0Zx7Tn2VbY5cW", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"signingKey=0f9a3c5e7b1d2846af90c3e5", "0f9a3c5e7b1d2846af90c3e5"},
        {"secretName: my-app-tls-secret-2", ""},
        {"secret: kubernetes-dashboard-v2-certs", ""},
        {"client_secret: short1A", ""},
        {"secret = vault.read(\"k3J9dLq0Zx7Tn2VbY5cW\")", ""},
        {"the secret is k3J9d", ""},
    };
    static const struct row keys[] = {
        {"X-Api-Key: 0f9a3c5e7b1d2846af90c3e5", "0f9a3c5e7b1d2846af90c3e5"},
        {"?api_key=k3J9dLq0Zx7Tn2VbY5cW&x=1", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"my api key is k3J9dLq0Zx7Tn2VbY5cW", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"getApiKey() = k3J9dLq0Zx7Tn2VbY5cW", ""},
        {"api_key_id: k3J9dLq0Zx7Tn2VbY5cW", ""},
        {"apiKey: process.env.ACME_API_KEY_1A2b3C", ""},
    };
    static const struct row tokens[] = {
        {"access_token: 'k3J9dLq0Zx7Tn2VbY5cW'", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"nextPageToken: 'k3J9dLq0Zx7Tn2VbY5cW'", ""},
        {"csrf_token: 'k3J9dLq0Zx7Tn2VbY5cW'", ""},
        {"token_expires: 2026-11-21T10:00:00Z", ""},
        {"token: the-quick-brown-fox-jumps", ""},
        {"max_tokens: 4096", ""},
    };

    check("secret_value", secrets, LAC_COUNT(secrets));
    check("api_key_value", keys, LAC_COUNT(keys));
    check("token_value", tokens, LAC_COUNT(tokens));
}

static void logins_are_found_in_addresses(void)
{
    static const struct row rows[] = {
        {"x postgres://app:Kq7mLp2@db.acme.test:5432/shop y",
         "postgres://app:Kq7mLp2@db.acme.test:5432"},
        {"postgresql+psycopg2://app:p@ss:w0rd@db", "postgresql+psycopg2://app:p@ss:w0rd@db"},
        {"'postgres://a:Kq7mLp2@[::1]:5432'", "postgres://a:Kq7mLp2@[::1]:5432"},
        {"postgres://app@db.acme.test/shop", ""},
        {"postgres://postgres:postgres@db/x", ""},
        {"postgres://shop:shop@db/x", ""},
        {"postgres://u:password@db/x", ""},
        {"postgres://u:${PASS}@db/x", ""},
        {"postgres://u:<pass>@db/x", ""},
        {"postgres://u:xxxx@db/x", ""},
    };
    static const struct row web[] = {
        {"git clone https://ci:Kq7mLp2w@git.acme.test/r.git", "https://ci:Kq7mLp2w@git.acme.test"},
        {"https://acme.test:8443/a@b", ""},
        {"https://acme.test/?t=10:30&who=a@b", ""},
        {"https://acme.test?t=10:30&who=a@b", ""},
        {"https://a:b", ""},
        {"new URL('https://abc:xyz@acme.test')", ""},
        {"https://k3J9dLq0Zx7Tn2VbY5cW@git.acme.test/r.git",
         "https://k3J9dLq0Zx7Tn2VbY5cW@git.acme.test"},
        {"https://0f9a3c5e7b1d2846af90c3e50f9a3c5e@o1.acme.test/1", ""}, /* half of a DSN */
        {"https://anna.example-of-users@git.acme.test", ""},
    };
    static const struct row redis[] = {
        {"redis://:Kq7mLp2w@cache:6379/0", "redis://:Kq7mLp2w@cache:6379"},
        {"redis://cache:6379/0", ""},
    };

    check("postgres_url", rows, LAC_COUNT(rows));
    check("basic_auth_url", web, LAC_COUNT(web));
    check("redis_url", redis, LAC_COUNT(redis));
}

static void logins_are_found_in_strings_headers_and_commands(void)
{
    static const struct row strings[] = {
        {"x=\"Server=a;Database=b;User Id=c;Password=Kq7mLp2;\"",
         "Server=a;Database=b;User Id=c;Password=Kq7mLp2"},
        {"psql 'host=a user=b password=Kq7mLp2 dbname=d'",
         "host=a user=b password=Kq7mLp2 dbname=d"},
        {"Server=a;Database=b;Password={0};", ""},
        {"password=Kq7mLp2", ""},
        {"Server=a;Password=Kq7mLp2", ""},
        {"-e MYSQL_USER=a -e MYSQL_DATABASE=b -e MYSQL_PASSWORD=Kq7mLp2", ""},
    };
    static const struct row bearer[] = {
        {"Authorization: Bearer k3J9dLq0Zx7Tn2VbY5cW.", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"Authorization: Bearer <token>", ""},
        {"bearer of good-news-everyone-2", ""},
        {"Authorization: token k3J9dLq0Zx7Tn2VbY5cW", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"\"authorization\": \"ApiKey k3J9dLq0Zx7Tn2VbY5cW\"", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"authorization token k3J9dLq0Zx7Tn2VbY5cW", ""},
    };
    static const struct row basic[] = {
        {"Authorization: Basic YW5uYTpLcTdtTHAy", "YW5uYTpLcTdtTHAy"}, /* anna:Kq7mLp2 */
        {"Authorization: Basic dXNlcjpwYXNzd29yZA==", ""},             /* user:password */
        {"Authorization: Basic QUJDREVGR0hJSktM", ""},                 /* no colon */
        {"Basic training", ""},
    };
    static const struct row curl[] = {
        {"curl -u anna:Kq7mLp2 https://a", "anna:Kq7mLp2"},
        {"curl -s --user 'anna:Kq7 mLp2' https://a", "anna:Kq7 mLp2"},
        {"curl -uanna:Kq7mLp2 https://a", "anna:Kq7mLp2"},
        {"curl -u hers:Kq7mLp2 --user anna:Kq7mLp2 https://a", "anna:Kq7mLp2"},
        {"curl https://a | sort -u a:Kq7mLp2", ""},
        {"curl -u anna https://a:1", ""},
        {"curl -u user:password https://a", ""},
        {"curl https://a \\\n  -u anna:Kq7mLp2", "anna:Kq7mLp2"},
        {"curl -u ':Kq7#mLp2' https://a", ":Kq7#mLp2"},
        {"curl https://a\n  -u anna:Kq7mLp2", ""},
    };
    static const struct row command[] = {
        {"mysql -u root -pKq7mLp2 shop", "Kq7mLp2"},
        {"sshpass -p 'Kq7mLp2' ssh a@b", "Kq7mLp2"},
        {"docker login -u ci -p Kq7mLp2 r.acme.test", "Kq7mLp2"},
        {"mysql -u root -p shop12", ""},
        {"docker run -p 8080:80 x", ""},
        {"redis-cli -h a -a Kq7#mLp2 ping", "Kq7#mLp2"},
        {"ldapsearch -D cn=a -w Kq7#mLp2", "Kq7#mLp2"},
        {"mongosh -u root -p Kq7#mLp2", "Kq7#mLp2"},
        {"PsExec64.exe \\\\10.0.0.7 -u acme\\anna -p sunflower cmd", "sunflower"},
        {"plink -ssh anna@a -pw Kq7#mLp2 ls", "Kq7#mLp2"},
        {"psexec \\\\h -u anna -p %PASS% cmd", ""},
        {"redis-cli -a $PASS ping", ""},
        {"ldapsearch -W -D cn=a1", ""},
        {"mongosh -u root -p", ""},
    };
    static const struct row pgpass[] = {
        {"db:5432:shop:app:Kq7mLp2\n", "db:5432:shop:app:Kq7mLp2"},
        {"# x\n*:5432:*:app:Kq7mLp2", "*:5432:*:app:Kq7mLp2"},
        {"at db:5432:shop:app:Kq7mLp2", ""},
        {"db:5432:shop", ""},
    };

    check("connection_string", strings, LAC_COUNT(strings));
    check("bearer_token", bearer, LAC_COUNT(bearer));
    check("basic_credentials", basic, LAC_COUNT(basic));
    check("command_login", curl, LAC_COUNT(curl));
    check("command_password", command, LAC_COUNT(command));
    check("pgpass", pgpass, LAC_COUNT(pgpass));
}

#define JWT_HEADER    "eyJhbGciOiJIUzI1NiJ9" /* {"alg":"HS256"} */
#define JWT_PAYLOAD   "eyJzdWIiOiJhbm5hIn0"  /* {"sub":"anna"} */
#define JWT_SIGNATURE "Zk3vQ8xLr0TnWb7YcPd2"

static void tokens_are_decided_by_what_they_decode_to(void)
{
    static const struct row jwt[] = {
        {"t=" JWT_HEADER "." JWT_PAYLOAD "." JWT_SIGNATURE ";",
         JWT_HEADER "." JWT_PAYLOAD "." JWT_SIGNATURE},
        {JWT_HEADER "." JWT_PAYLOAD ". Next", JWT_HEADER "." JWT_PAYLOAD "."},
        {JWT_HEADER "." JWT_PAYLOAD, ""},
        {JWT_HEADER "." JWT_SIGNATURE "." JWT_SIGNATURE, ""},
        {JWT_PAYLOAD "." JWT_PAYLOAD "." JWT_SIGNATURE, ""}, /* no "alg" */
        {JWT_HEADER "." JWT_PAYLOAD ".short", ""},
        {"eyJ", ""},
        {"eyJhbGci", ""},
    };
    static const struct row jwk[] = {
        {"k {\"kty\":\"EC\",\"d\":\"Zk3vQ8xLr0TnWb7YcPd2MhJf5GsUe1Ao\"}.",
         "{\"kty\":\"EC\",\"d\":\"Zk3vQ8xLr0TnWb7YcPd2MhJf5GsUe1Ao\"}"},
        {"{\"d\" : \"Zk3vQ8xLr0TnWb7YcPd2\", \"kty\": \"OKP\"}",
         "{\"d\" : \"Zk3vQ8xLr0TnWb7YcPd2\", \"kty\": \"OKP\"}"},
        {"{\"kty\":\"EC\",\"x\":\"Zk3vQ8xLr0TnWb7YcPd2\"}", ""},
        {"{\"kty\":\"EC\",\"d\":\"short\"}", ""},
        {"{\"id\":\"Zk3vQ8xLr0TnWb7YcPd2\",\"kty\":\"EC\"}", ""},
    };
    static const struct row telegram[] = {
        {"https://api.telegram.org/bot7219384650:AAHk3mZ_qT7vLx0cYp2NwRb9eJd5GsUf1Xo/getMe",
         "7219384650:AAHk3mZ_qT7vLx0cYp2NwRb9eJd5GsUf1Xo"},
        {"7219384650:AAHk3mZ_qT7vLx0cYp2NwRb9eJd5GsUf1Xo1", ""},
        {"219384:AAHk3mZ_qT7vLx0cYp2NwRb9eJd5GsUf1Xo", ""},
    };
    static const struct row openai[] = {
        {"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",
         "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"},
        {"sk-Ab1Cd2Ef3Gh4Ij5Kl6MnT3BlbkFKOp7Qr8St9Uv0Wx1Yz2Ab", ""},
        {"sk-Ab1CT3BlbkFJOp7Qr8St9Uv0Wx1Yz2Ab", ""},
        {"sk-admin-Ab1Cd2Ef3Gh4Ij5Kl6MnT3BlbkFJOp7Qr8St9Uv0Wx1Yz2Ab", ""},
    };
    static const struct row seed[] = {
        {"seed phrase: one two three four five six seven eight nine ten eleven twelve.",
         "one two three four five six seven eight nine ten eleven twelve"},
        {"seed phrase: one two three four five six seven eight nine ten eleven", ""},
        {"seed phrase: one two three four five six seven eight nine ten eleven twelve or so", ""},
    };

    static const struct row dropbox[] = {
        {"t=sl.u." LONG LONG ";", "sl.u." LONG LONG},
        {"sl." LONG LONG, "sl." LONG LONG},
        {"sl." LONG, ""},
        {"html.sl.u.class", ""},
    };
    static const struct row pkcs8[] = {
        {"\"MIIEvAIBADANBgkqhkiG9w0BAQEFAASC" LONG "==\"",
         "MIIEvAIBADANBgkqhkiG9w0BAQEFAASC" LONG "=="},
        {"MIIEvAIBADANBgkqhkiG9w0BAQEFAASC", ""},
        {"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A" LONG, ""},
    };

    check("dropbox_token", dropbox, LAC_COUNT(dropbox));
    check("pkcs8_key", pkcs8, LAC_COUNT(pkcs8));
    check("jwt", jwt, LAC_COUNT(jwt));
    check("jwk", jwk, LAC_COUNT(jwk));
    check("telegram_token", telegram, LAC_COUNT(telegram));
    check("openai_key", openai, LAC_COUNT(openai));
    check("seed_phrase", seed, LAC_COUNT(seed));
}

#define W64      "mQ3+vZa8/Kc1XyLw9Rt5Bn7Jd2Hs6Fg0TpUeIoAVkCxNqYzMWbErGhDjSlPf4OiC"
#define W10(eol) W64 eol W64 eol W64 eol W64 eol W64 eol W64 eol W64 eol W64 eol W64 eol W64
#define PPK(eol)                                                                                 \
    "PuTTY-User-Key-File-3: ssh-rsa" eol "Encryption: aes256-cbc" eol "Comment: eve's, 2026" eol \
    "Public-Lines: 11" eol                                                                       \
    W10(eol) eol "mQ3+vZa8/Kc1==" eol "Key-Derivation: Argon2id" eol "Argon2-Memory: 8192" eol   \
                 "Argon2-Passes: 21" eol "Argon2-Parallelism: 1" eol                             \
                 "Argon2-Salt: 3bf1d9a0c4e2876a51fd0b93e7c8a246" eol                             \
                 "Private-Lines: 10" eol W10(eol) eol                                            \
        "Private-MAC: 6f1ad09be24c7358b0d1e6f2a94c8375d0be16f3a27c94e85d10b63fa9e2c748"
#define OVPN "-----BEGIN OpenVPN tls-crypt-v2 client key-----"
#define SSH2 "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----"
#define PEM  "-----BEGIN RSA PRIVATE KEY-----"

static void keys_are_found_whole_whatever_their_length(void)
{
    static const struct row putty[] = {
        {"see\n" PPK("\n") "\nand more", PPK("\n")},
        {PPK("\r\n") "\r\n", PPK("\r\n")},
        {"{\"ppk\": \"" PPK("\\n") "\\n\"}", PPK("\\n")},
        {"    " PPK("\n    ") "\n", PPK("\n    ")},
        {"PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nComment: x\nPrivate-Lines: 3\n" W64
         "\nas said",
         "PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nComment: x\nPrivate-Lines: 3\n" W64},
        {"Private-Lines: 10\n" W10("\n") "\nPrivate-Hash: 0a4e\nbye",
         "Private-Lines: 10\n" W10("\n") "\nPrivate-Hash: 0a4e"},
        {"Private-Lines: 2\n" W10("\n"), "Private-Lines: 2\n" W64 "\n" W64},
        {"Private-Lines: 3\n" W64 "\nPrivate-MAC: 0a4e",
         "Private-Lines: 3\n" W64 "\nPrivate-MAC: 0a4e"},
        {"Private-Lines: 3\nPrivate-MAC: 0a4e", ""},
        {"Private-Lines: 0\n" W64, ""},
        {"Private-Lines: many\n" W64, ""},
        {"PuTTY-User-Key-File-2: ssh-rsa\nComment: x\nEncryption: none\n", ""},
        {"PuTTY-User-Key-File-2: ssh-rsa Encryption: none Comment: x", ""},
    };
    static const struct row openvpn[] = {
        {"<tls-crypt-v2>\n" OVPN
         "\n" W10("\n") "\nRg==\n-----END OpenVPN tls-crypt-v2 client key-----"
                        "\n</tls-crypt-v2>",
         OVPN "\n" W10("\n") "\nRg==\n-----END OpenVPN tls-crypt-v2 client key-----"},
        {OVPN "\\n" W10("\\n") "\\nRg==\"", OVPN "\\n" W10("\\n")},
        {OVPN " " W10(" ") " and so on", OVPN " " W10(" ")},
        {OVPN "\n" W64 "\n-----BEGIN", OVPN "\n" W64},
        {OVPN "\n\n" W64 "\n\n" W64 "\n\nmQ3+\n", OVPN "\n\n" W64 "\n\n" W64},
        {OVPN "\n" W64 "\n\nAKIAQ3EGRZQ7WNTB4XKP\n", OVPN "\n" W64},
        {OVPN "\n" W64 "\nkey AKIAQ3EGRZQ7WNTB4XKP\n", OVPN "\n" W64},
        {OVPN "\n<key>", ""},
        {OVPN, ""},
    };
    static const struct row ssh2[] = {
        {SSH2 "\nSubject: eve\nComment: \"2048-bit rsa\"\n" W10("\n") "\n---- END SSH2 ENCRYPTED "
                                                                      "PRIVATE KEY ----\n",
         SSH2 "\nSubject: eve\nComment: \"2048-bit rsa\"\n" W10(
             "\n") "\n---- END SSH2 ENCRYPTED PRIVATE KEY ----"},
        {SSH2 "\nComment: \"work key\"\n", ""},
        {"---- BEGIN SSH2 PUBLIC KEY ----\n" W64, ""},
    };
    static const struct row pem[] = {
        {PEM "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n" W10("\n") "\n",
         PEM "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n" W10("\n")},
        {PEM "\n" W64 "\n\nkey AKIAQ3EGRZQ7WNTB4XKP\n", PEM "\n" W64},
        {PEM "\\n" W10("\\n") "\", next", PEM "\\n" W10("\\n")},
        {PEM "\\\\n" W10("\\\\n") "\\\\n...", PEM "\\\\n" W10("\\\\n")},
    };

    check("putty_key", putty, LAC_COUNT(putty));
    check("openvpn_key", openvpn, LAC_COUNT(openvpn));
    check("ssh2_key", ssh2, LAC_COUNT(ssh2));
    check("private_key", pem, LAC_COUNT(pem));
}

static void checksums_of_keys_hold(void)
{
    static const struct {
        lac_match_validate *validate;
        const char *text;
        bool valid;
    } rows[] = {
        /* en.bitcoin.it, Wallet import format */
        {lac_match_validate_wif, "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ", true},
        {lac_match_validate_wif, "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTK", false},
        {lac_match_validate_wif, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", false},
        /* BIP 32, test vector 1 */
        {lac_match_validate_extended_key,
         "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNN"
         "U3TGtRBeJgk33yuGBxrMPHi",
         true},
        {lac_match_validate_extended_key,
         "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNN"
         "U3TGtRBeJgk33yuGBxrMPHj",
         false},
        /* the public key of the same: no private one */
        {lac_match_validate_extended_key,
         "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD2"
         "65TMg7usUDFdp6W1EGMcet8",
         false},
        /* NIP-19 */
        {lac_match_validate_nostr_key,
         "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5", true},
        {lac_match_validate_nostr_key,
         "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe6", false},
        /* SEP 23 has public keys only; this is of stellar.org's Friendbot tutorial */
        {lac_match_validate_stellar_seed,
         "SAV76USXIJOBMEQXPANUOQM6F5LIOTLPDIDVRJBFFE2MDJXG24TAPUU7", true},
        {lac_match_validate_stellar_seed,
         "SAV76USXIJOBMEQXPANUOQM6F5LIOTLPDIDVRJBFFE2MDJXG24TAPUU6", false},
        {lac_match_validate_stellar_seed,
         "SAV76USXIJOBMEQXPANUOQM6F5LIOTLPDIDVRJBFFE2MDJXG24TAPUU7A", false},
        /* of the README of nats-io/nkeys */
        {lac_match_validate_nkey_seed, "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY",
         true},
        {lac_match_validate_nkey_seed, "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VQ",
         false},
        {lac_match_validate_nkey_seed, "SAV76USXIJOBMEQXPANUOQM6F5LIOTLPDIDVRJBFFE2MDJXG24TAPUU7",
         false},
        {lac_match_validate_mixed_case, "aB3", true},
        {lac_match_validate_mixed_case, "ab3", false},
        {lac_match_validate_letter_digit, "ab3", true},
        {lac_match_validate_letter_digit, "abc", false},
        {lac_match_validate_last_word, "machine a login b password Kq7mLp2", true},
        {lac_match_validate_last_word, "machine a login b password changeme", false},
        {lac_match_validate_said_password, "password Qr7!dke#39.", true},
        {lac_match_validate_said_password, "password is 'Start@2025'", true},
        {lac_match_validate_said_password, "password Base64-encoded", false},
        {lac_match_validate_said_password, "password a1!bcd", true},
        {lac_match_validate_said_password, "password a1!bc", false},
        {lac_match_validate_said_password, "password anna99@acme.test", false},
        {lac_match_validate_said_password, "password hash(user1)!", false},
        {lac_match_validate_said_password, "password $db1!pass", false},
        {lac_match_validate_said_password, "password sunflower!", false},
        {lac_match_validate_said_password, "password 20251122!", false},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%s", rows[i].text);
        LAC_TEST_EQ(rows[i].validate(lac_str_from(rows[i].text)), rows[i].valid);
    }
}

static void json_objects_are_told_from_what_resembles_them(void)
{
    static const struct {
        const char *text;
        bool valid;
    } rows[] = {
        {"{}", true},
        {" { \"a\" : 1 } ", true},
        {"{\"a\":[1,{\"b\":[]},\"x\\\"y\"],\"c\":null,\"d\":-1.5e3}", true},
        {"[]", false},
        {"{", false},
        {"{}}", false},
        {"{\"a\"}", false},
        {"{\"a\":}", false},
        {"{\"a\":1,}", false},
        {"{\"a\":[1}", false},
        {"{\"a\":1]", false},
        {"{a:1}", false},
        {"{\"a\":nul}", false},
        {"{\"a\":\"x", false},
        {"", false},
    };
    char deep[160];

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%s", rows[i].text);
        LAC_TEST_EQ(lac_match_is_json_object(lac_str_from(rows[i].text)), rows[i].valid);
    }
    for (size_t depth = 31; depth <= 32; depth++) {
        size_t n = (size_t)snprintf(deep, sizeof(deep), "{\"a\":");

        for (size_t i = 0; i < depth; i++)
            deep[n++] = '[';
        for (size_t i = 0; i < depth; i++)
            deep[n++] = ']';
        deep[n++] = '}';
        LAC_TEST_EQ(lac_match_is_json_object((struct lac_str){deep, n}), depth == 31);
    }
}

LAC_TEST_MAIN(match_login, passwords_are_found_in_assignments_and_sentences,
              passwords_are_found_behind_words_of_other_scripts,
              values_are_found_in_all_forms_of_an_assignment, keys_and_tokens_need_to_look_random,
              logins_are_found_in_addresses, logins_are_found_in_strings_headers_and_commands,
              tokens_are_decided_by_what_they_decode_to, keys_are_found_whole_whatever_their_length,
              checksums_of_keys_hold, json_objects_are_told_from_what_resembles_them)
