/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: passwords and logins are found where they stand and to the byte, and what people write in
 * their place is none. Method: tables of texts per detector, each near miss differing in one thing.
 */
#include "lac_match.h"

#include "lac_test.h"
#include "match_detect_fixture.h"

static void passwords_are_found_in_assignments_and_sentences(void)
{
    static const struct fixture_row rows[] = {
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
        {"| `DB_PASSWORD` | `Kq7#mLp2` |", "Kq7#mLp2"},
        {"a\n| **password** | Kq7#mLp2 | of the shop |", "Kq7#mLp2"},
        {"a = password | Kq7#mLp2 |", ""},
        {"a | password | Kq7#mLp2", ""},
        {"std::string password{ \"Kq7#mLp2\" };", "Kq7#mLp2"},
        {"this.addPassword = '#add-password2';", "#add-password2"},
        {"this.addPassword = '#add-password';", ""},
        {"password: '.new-password input'", ""},
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
        {"PASSWORD_HOSTINGER=sunflower", "sunflower"},
        {"password_shostak: Kq7#mLp2", "Kq7#mLp2"},
        {"'passwordLinkedIn': 'Kq7#mLp2'", "Kq7#mLp2"},
        {"MYSQL_PASSWORD_HOST=db7sunflower", ""},
        {"PASSWORD_MINLEN=sunflower", ""},
        {"password_policies: Kq7#mLp2", ""},
        {"'passwordHashing': 'Kq7#mLp2'", ""},
        {"'passwordplaceholder': 'Kq7#mLp2'", ""},
        {"'passwordMaxAge': 'Kq7#mLp2'", ""},
        {"PASSWORD=changeme1", ""},
        {"password = \"<your password 1>\"", ""},
        {"password: \"$2b$12$abcdefghijklmnopqrstuv\"", ""},
        {"FSDiscriminatorPass::Pass1", ""},
        {"&quot;Password is correct.&quot;", ""},
        {"compass=N45E13", ""},
        {"password == null", ""},
        {"password: SHA-256", ""},
        {"password?: string1;", ""},
        {"password='" FIXTURE_LONG FIXTURE_LONG FIXTURE_LONG FIXTURE_LONG "'",
         ""}, /* longer than any */
        {"password:", ""},
        {"password=", ""},
        {"password = '", ""},
    };

    fixture_detect("password_value", rows, LAC_COUNT(rows));
}

static void passwords_are_found_below_their_headings(void)
{
    static const struct fixture_row rows[] = {
        {"user,password\nbob,Kq7#mLp2\neve,Som7merX\n", "Kq7#mLp2|Som7merX"},
        {"see:\nuser,password\r\nbob,Kq7#mLp2\r\n\r\nok\n", "Kq7#mLp2"},
        {"password,user\nKq7#mLp2,bob", "Kq7#mLp2"},
        {"old_password;new_password\nAl7erOne;Neu3rOne", "Al7erOne|Neu3rOne"},
        {"id\tPass\n1\tKq7#mLp2\n2\t\n3\tSom7merX", "Kq7#mLp2|Som7merX"},
        {"\"id\",\"Initial password\"\n\"a, b\",\"Kq7,\"\"mLp2\"\n", "Kq7,\"\"mLp2"},
        {"| user | pass |\n|:--|---|\n| bob | `Kq7#mLp2` |\n| eve | Som7merX |\nx",
         "Kq7#mLp2|Som7merX"},
        {" id | passwd \n----+-------\n  1 | Kq7#mLp2\n(1 row)\n", "Kq7#mLp2"},
        {"usuario,contrase\xC3\xB1"
         "a\nbob,Kq7#mLp2",
         "Kq7#mLp2"},
        {"name (short),password\nbob,Kq7#mLp2", "Kq7#mLp2"},
        /* A heading ends the table above it. */
        {"user,password\nbob,Kq7#mLp2\neve,password\nann,Som7merX\n", "Kq7#mLp2|Som7merX"},
        {"INSERT INTO u (name, password) VALUES ('bob', 'Kq7#mLp2'), ('eve', 'Som7merX');",
         "Kq7#mLp2|Som7merX"},
        {"insert into `a`.`u` (`pwd`, `id`) values\n(N'Kq7#mLp2', f(1, 2)),\n( E'Som7merX' ,3)",
         "Kq7#mLp2|Som7merX"},
        {"REPLACE INTO [u] ([name], [password]) VALUES ('a''b, c)', 'Kq7#mLp2')", "Kq7#mLp2"},
        {"INSERT INTO u(name,\n  passwd,\n  id)\nVALUES('a\\'b', 'Kq7#mLp2', 1)", "Kq7#mLp2"},
        {"INSERT INTO u (name, password) VALUES ('Kq7#mLp2')", ""},
        {"INSERT INTO u (name, password) VALUES (?, ?)", ""},
        {"INSERT INTO u (password) VALUES (", ""},
        {"INSERT INTO u (password) VALUES ('", ""},
        {"INSERT INTO u (password) VALUES", ""},
        {"f(name, password) VALUES ('bob', 'Kq7#mLp2')", ""},
        {"INSERT INTO u (name, password) SELECT ('bob', 'Kq7#mLp2')", ""},
        {"INSERT INTO u (name, password_hint) VALUES ('bob', 'Kq7#mLp2')", ""},
        {"user,password\n\nbob,Kq7#mLp2\n", ""},
        {"user,password\nbob,Kq7#mLp2,1\n", ""},
        {"user,password\nKq7#mLp2\n", ""},
        {"user, password\nbob, Kq7#mLp2\n", ""},
        {"call(user,password\nbob,Kq7#mLp2\n", ""},
        {"user,password_hash\nbob,Kq7#mLp2\n", ""},
        {"user,password\nbob,sunflower\n", ""},
        {"user,password\nbob,changeme1\n", ""},
        {"user,password\nbob,n\xC3\xA9"
         "cessaire\n",
         ""},
        {"user,password\nbob,5f4dcc3b5aa765d61d8327deb882cf99\n", ""},
        {"user,password\nbob,*2470C0C06DEE42FD1618BBB99005ADCA2EC9D1E19\n", ""},
        {"user,password\nbob,pbkdf2_sha256$1000$abc$def\n", ""},
        {"user,password\nbob,{SSHA}Kq7mLp2x\n", ""},
        {"user,password\nbob,https://vault/x1\n", ""},
        {"user,password", ""},
        {"user,password\n", ""},
        {",password\nbob,Kq7#mLp2\n", ""},
        {"a,b,password,c\nKq7#mLp2,Kq7#mLp3,,x\n", ""},
    };
    static const struct fixture_row tokens[] = {
        {"name,token\nacme,Xk29fJq81LmZp0RtYw3VbN6cQeHs7DaU\nb,none\n",
         "Xk29fJq81LmZp0RtYw3VbN6cQeHs7DaU"},
        {"name,csrf_token\nacme,Xk29fJq81LmZp0RtYw3VbN6cQeHs7DaU\n", ""},
        {"token,tag\nhouses,NN\nwalking2,VB\n", ""},
    };

    fixture_detect("password_value", rows, LAC_COUNT(rows));
    fixture_detect("token_value", tokens, LAC_COUNT(tokens));
}

static void passwords_are_found_in_sentences_of_any_language(void)
{
    static const struct fixture_row rows[] = {
        {"the password has been reset to Kq7#mLp2", "Kq7#mLp2"},
        {"password changed from the default to hT9mQ2xW today", "hT9mQ2xW"},
        {"use Kq7#mLp2 as the new root password", "Kq7#mLp2"},
        {"nimm `Kq7#mLp2` als Passwort", "Kq7#mLp2"},
        {"das Passwort vom WLAN lautet \"Sommer2024!\"", "Sommer2024!"},
        {"Passwort auf Sommer2024! geändert", "Sommer2024!"},
        {"le mot de passe a été changé en Kq7#mLp2.", "Kq7#mLp2"},
        {"troquei a senha para Kq7#mLp2", "Kq7#mLp2"},
        {"zmieniłem hasło na **Kq7#mLp2**", "Kq7#mLp2"},
        {"a wifi jelszava Kq7#mLp2", "Kq7#mLp2"},
        {"das Passwort für den Server ist hunter2xyz", "hunter2xyz"},
        {"le mot de passe du wifi est hunter2xyz", "hunter2xyz"},
        {"la contraseña del wifi es hunter2xyz", "hunter2xyz"},
        {"hasło do serwera to hunter2xyz", "hunter2xyz"},
        {"salasana on hunter2xyz", "hunter2xyz"},
        {"mdp : hunter2xyz", "hunter2xyz"},
        {"heslo na server: hunter2xyz", ""},
        /* no passwords */
        {"convert the password to SHA256digest", ""},
        {"forgot the password for Maria on laptop42", ""},
        {"the password for the demo to server1a", ""},
        {"the password to on2error", ""},
        {"forgot the password for issue#42", ""},
        {"the password of root@db1 is gone", ""},
        {"a password at least 50%ige sicher", ""},
        {"password needed for Office11!", ""},
        {"the passphrase to%0Aprotect your new key", ""},
        {"a passphrase for the PKCS#12-object", ""},
        {"the password. Then Kq7#mLp2", ""},
        {"the password is not in (Kq7#mLp2)x", ""},
        {"the password of FritzBox7590", ""},
        {"user_password of the table Kq7#mLp2", ""},
        {"one two three four five as password", ""},
        {"the password a b c d e f g h i Kq7#mLp2", ""},
        {"'passwordMaxLength': 'Kq7#mLp2'", ""},
    };

    fixture_detect("password_value", rows, LAC_COUNT(rows));
}

static void passwords_are_found_behind_words_of_other_scripts(void)
{
    static const struct fixture_row rows[] = {
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
        {"Пароль: Медведь2019", "Медведь2019"},
        {"пароль от сети: медведь!42.", "медведь!42"},
        {"пароль от сервера Kq7#mLp2", "Kq7#mLp2"},
        {"сменил пароль на Kq7#mLp2 вчера", "Kq7#mLp2"},
        {"ο κωδικός του wifi είναι hunter2xyz", "hunter2xyz"},
        {"הסיסמה לשרת היא hunter2xyz", "hunter2xyz"},
        {"كلمة المرور هي hunter2xyz", "hunter2xyz"},
        {"पासवर्ड है hunter2xyz", "hunter2xyz"},
        {"mật khẩu wifi là hunter2xyz", "hunter2xyz"},
        {"와이파이 비번은 Kq7#mLp2", "Kq7#mLp2"},
        {"пароль от сервера Windows2019", ""},
        {"пароль: обязателен, всегда", ""},
        {"пароль: обязателен", ""},
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

    fixture_detect("native_password", rows, LAC_COUNT(rows));
}

/* What stands between a name and its value, language by language and file by file. */
static void values_are_found_in_all_forms_of_an_assignment(void)
{
    static const struct fixture_row rows[] = {
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
        {"das Passwort lautet Löwenzahn7", "Löwenzahn7"},
        {"das Passwort lautet Löwe€zahn", "Löwe€zahn"},
        {"das Passwort ist ungültig", ""},
        {"heslo je příliš dlouhé", ""},
        {"passwd: şifre başarıyla güncellendi", ""},
        {"{\"password\": \"Contraseña\"}", ""},
        {"das Passwort lautet Kq7#mLp2", "Kq7#mLp2"},
        {"define( 'DB_PASSWORD', 'Kq7#mLp2' );", "Kq7#mLp2"},
        {"mot de passe : Kq7#mLp2", "Kq7#mLp2"},
        {"contraseña: Kq7#mLp2", "Kq7#mLp2"},
        {"hasło=Kq7#mLp2", "Kq7#mLp2"},
        {"wachtwoord：Kq7#mLp2", "Kq7#mLp2"}, /* full-width colon */
        {"--- PASS: TestAdd/floats_2 (0.00s)", ""},
        {"the --password options above", ""},
        {"  --ftp-password=WACHTWRD   het WACHTWRD voor FTP", ""},
        {"  --ftp-password=LÖSENORD   ställ in LÖSENORD", ""},
        {"  --ask-password            fråga efter lösenord", ""},
        {"run --password=WACHTWRD --host db1", "WACHTWRD"},
        {"run --password=WACHTWRD  --host db1", "WACHTWRD"},
        {"run --password  Kq7#mLp2  --host db1", "Kq7#mLp2"},
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
    static const struct fixture_row defaults[] = {
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
    static const struct fixture_row keys[] = {
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
    static const struct fixture_row tokens[] = {
        {"the deploy token k3J9dLq0Zx7Tn2VbY5cW, again", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"ACME TOKEN - 'k3J9dLq0Zx7Tn2VbY5cW'", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"ADO_PAT=k3J9dLq0Zx7Tn2VbY5cW", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"refresh_token: " FIXTURE_LONG FIXTURE_LONG FIXTURE_LONG FIXTURE_LONG FIXTURE_LONG ";",
         FIXTURE_LONG FIXTURE_LONG FIXTURE_LONG FIXTURE_LONG FIXTURE_LONG},
        {"refresh_token='" FIXTURE_LONG FIXTURE_LONG FIXTURE_LONG FIXTURE_LONG FIXTURE_LONG "='",
         FIXTURE_LONG FIXTURE_LONG FIXTURE_LONG FIXTURE_LONG FIXTURE_LONG "="},
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

    static const struct fixture_row signs[] = {
        {"SECRET_KEY = 'k4)w&t7!z@b2n9^x5q$m8d(3h6#'", "k4)w&t7!z@b2n9^x5q$m8d(3h6#"},
        {"SECRET_KEY = k4)w&t7!z@b2n9^x5q$m8d(3h6#", ""},     /* no quotes: an expression */
        {"secret = '^(a1b2|c3d4)!(e5f6)?g7h8i9j0'", ""},      /* one of a regular language */
        {"secret = 'ftp://a1?b2=c3&d4=e5%f6@g7!h8(i9)'", ""}, /* an address */
        {"secret = 'Why? (what_is_it_good_for)!'", ""},
        {"<secret>{acme k3J9dLq0Zx7Tn2VbY5cW}</secret>", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"<secret>{k3J9dLq0Zx7Tn2VbY5cW}</secret>", ""}, /* a name to fill in */
    };

    fixture_detect("password_value", rows, LAC_COUNT(rows));
    fixture_detect("secret_value", signs, LAC_COUNT(signs));
    fixture_detect("api_key_value", defaults, LAC_COUNT(defaults));
    fixture_detect("key_value", keys, LAC_COUNT(keys));
    fixture_detect("token_value", tokens, LAC_COUNT(tokens));
}

static void logins_are_found_in_addresses(void)
{
    static const struct fixture_row rows[] = {
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
    static const struct fixture_row web[] = {
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
    static const struct fixture_row redis[] = {
        {"redis://:Kq7mLp2w@cache:6379/0", "redis://:Kq7mLp2w@cache:6379"},
        {"redis://cache:6379/0", ""},
    };

    fixture_detect("postgres_url", rows, LAC_COUNT(rows));
    fixture_detect("basic_auth_url", web, LAC_COUNT(web));
    fixture_detect("redis_url", redis, LAC_COUNT(redis));
}

static void logins_are_found_in_strings_headers_and_commands(void)
{
    static const struct fixture_row strings[] = {
        {"x=\"Server=a;Database=b;User Id=c;Password=Kq7mLp2;\"",
         "Server=a;Database=b;User Id=c;Password=Kq7mLp2"},
        {"psql 'host=a user=b password=Kq7mLp2 dbname=d'",
         "host=a user=b password=Kq7mLp2 dbname=d"},
        {"Server=a;Database=b;Password={0};", ""},
        {"password=Kq7mLp2", ""},
        {"Server=a;Password=Kq7mLp2", ""},
        {"-e MYSQL_USER=a -e MYSQL_DATABASE=b -e MYSQL_PASSWORD=Kq7mLp2", ""},
    };
    static const struct fixture_row bearer[] = {
        {"Authorization: Bearer k3J9dLq0Zx7Tn2VbY5cW.", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"Authorization: Bearer <token>", ""},
        {"bearer of good-news-everyone-2", ""},
        {"Authorization: token k3J9dLq0Zx7Tn2VbY5cW", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"\"authorization\": \"ApiKey k3J9dLq0Zx7Tn2VbY5cW\"", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"authorization token k3J9dLq0Zx7Tn2VbY5cW", ""},
        {"Authorization: OAuth k3J9dLq0Zx7Tn2VbY5cW", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"Authorization: SSWS 00k3J9dLq0Zx7Tn2VbY5cW", "00k3J9dLq0Zx7Tn2VbY5cW"},
        {"set(\"Authorization\", \"token k3J9dLq0Zx7Tn2VbY5cW\")", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"Authorization: OAuth oauth_nonce=\"k3J9dLq0Zx7Tn2VbY5cW\"", ""},
    };
    static const struct fixture_row basic[] = {
        {"Authorization: Basic YW5uYTpLcTdtTHAy", "YW5uYTpLcTdtTHAy"}, /* anna:Kq7mLp2 */
        {"Authorization: Basic dXNlcjpwYXNzd29yZA==", ""},             /* user:password */
        {"Authorization: Basic QUJDREVGR0hJSktM", ""},                 /* no colon */
        {"Basic training", ""},
    };
    static const struct fixture_row curl[] = {
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
        {"curl https://a \\\n-u anna:Kq7mLp2", "anna:Kq7mLp2"},
        {"curl -u k3J9dLq0Zx7Tn2VbY5cW: https://a", "k3J9dLq0Zx7Tn2VbY5cW:"},
        {"curl -u jane.doe.of.the.north: https://a", ""},
        {"curl -u k3J9dLq0Zx7Tn2VbY5c: https://a", ""},
    };
    static const struct fixture_row samba[] = {
        {"smbclient //s/x -U anna%Vb4t#Lqz9wN -c ls", "anna%Vb4t#Lqz9wN"},
        {"rpcclient -U 'ACME\\anna%Vb4t#Lqz9wN' s", "ACME\\anna%Vb4t#Lqz9wN"},
        {"smbget --user=anna%sunflower smb://s/a", "anna%sunflower"},
        {"net ads join -Uanna%sunflower", "anna%sunflower"},
        {"smbclient //s/x -U anna", ""},
        {"smbclient //s/x -U %", ""},
        {"smbclient //s/x -U %sunflower", ""},
        {"smbclient //s/x -U anna%", ""},
        {"smbclient //s/x -U $USER%$PASSWORD", ""},
        {"smbclient //s/x -U anna%password", ""},
        {"smbclient //s/x; date -U anna%sunflower", ""},
        {"smbclient ", ""},
    };
    static const struct fixture_row command[] = {
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
        {"cqlsh -u anna -p Kq7#mLp2", "Kq7#mLp2"},
        {"ipmitool -H b -U admin -P Kq7#mLp2 power on", "Kq7#mLp2"},
        {"ssh-keygen -N Kq7#mLp2 -f k", "Kq7#mLp2"},
        {"xfreerdp /v:a /u:b /p:Kq7#mLp2 /f", "Kq7#mLp2"},
        {"schtasks /create /tn x /ru anna /rp Kq7#mLp2", "Kq7#mLp2"},
        {"snmpget -v3 -u anna -A Kq7#mLp2 h", "Kq7#mLp2"},
        {"snmpwalk -v3 -u anna -X Kq7#mLp2 h", "Kq7#mLp2"},
    };
    static const struct fixture_row argument[] = {
        {"net user anna Kq7#mLp2 /add", "Kq7#mLp2"},
        {"net user /add anna sunflower /domain", ""},
        {"net user anna sun7flower", "sun7flower"},
        {"C:\\> net1.exe user anna Kq7#mLp2", "Kq7#mLp2"},
        {"subprocess.run(\"net user anna Kq7#mLp2\")", "Kq7#mLp2"},
        {"a\nnet user anna Kq7#mLp2\n", "Kq7#mLp2"},
        {"many net user gains Q3-2024", ""},
        {"net user anna", ""},
        {"net user ", ""},
        {"net user \"", ""},
        {"net use z: \\\\s\\x Kq7#mLp2 /user:b", "Kq7#mLp2"},
        {"net use \\\\s\\x /user:a\\b Kq7#mLp2", "Kq7#mLp2"},
        {"net use * \\\\s\\x *", ""},
        {"net use of Kq7#mLp2", ""},
        {"htpasswd -b f anna Kq7#mLp2", "Kq7#mLp2"},
        {"htpasswd -nbB anna 'Kq7#mLp2'", "Kq7#mLp2"},
        {"htpasswd -c f anna7b", ""},
        {"htpasswd -b f; echo Kq7#mLp2", ""},
        {"rabbitmqctl change_password anna Kq7#mLp2", "Kq7#mLp2"},
        {"rabbitmqctl add_user anna", ""},
        {"wpa_passphrase \"My Home\" sunflower9", "sunflower9"},
        {"rclone obscure Kq7#mLp2", "Kq7#mLp2"},
        {"sqlplus shop/Kq7mLp2@db1", "Kq7mLp2"},
        {"impdp userid=shop/Kq7mLp2 dumpfile=a", "Kq7mLp2"},
        {"sqlplus -s /nolog", ""},
        {"sqlplus shop@db1/orcl7", ""},
        {"echo \"root:Kq7#mLp2\" | chpasswd", "Kq7#mLp2"},
        {"echo -n root:Kq7#mLp2|sudo chpasswd -e", "Kq7#mLp2"},
        {"chpasswd <<< 'root:Kq7#mLp2'", "Kq7#mLp2"},
        {"a |chpasswd", ""},
        {"| chpasswd", ""},
        {"\"| chpasswd", ""},
        {"chpasswd <<<", ""},
        {"chpasswd", ""},
        {"echo Kq7#mLp2 | sudo -S ls", "Kq7#mLp2"},
        {"printf 'Kq7#mLp2' | passwd --stdin anna", "Kq7#mLp2"},
        {"echo Kq7#mLp2 | docker login --password-stdin r", "Kq7#mLp2"},
        {"cat Kq7#mLp2 | sudo -S ls", ""},
        {"echo Kq7#mLp2\nls | sudo -S ls", ""},
        {"echo Kq7#mLp2 | kinit anna@ACME", "Kq7#mLp2"},
        {"kinit anna <<< 'Kq7#mLp2'", "Kq7#mLp2"},
        {"kinit anna", ""},
        {"secretsdump.py ACME/anna:Kq7#mLp2@10.0.0.1", "Kq7#mLp2"},
        {"psexec.py -dc-ip 10.0.0.1 a.b/anna:'Kq7 mLp2'@dc", ""},
        {"psexec.py -dc-ip 10.0.0.1 a.b/anna:'Kq7#mLp2'@dc", "Kq7#mLp2"},
        {"impacket-getTGT a.b/anna:Kq7#mLp2", "Kq7#mLp2"},
        {"impacket-psexec 'anna:Kq7@#mLp2@dc'", "Kq7@#mLp2"},
        {"wmiexec.py anna@dc -hashes :0f9a3c5e7b1d2846", ""},
        {"services.py localhost:Port8080", ""},
        {"services.py ", ""},
        {"enable secret 0 Kq7#mLp2", "Kq7#mLp2"},
        {"username anna password Kq7#mLp2", "Kq7#mLp2"},
        {"tacacs-server key Kq7#mLp2", "Kq7#mLp2"},
        {"enable secret 9 Kq7#mLp2", ""},
        {"snmp-server community public RO", ""},
        {"key-string ", ""},
    };
    static const struct fixture_row pgpass[] = {
        {"db:5432:shop:app:Kq7mLp2\n", "db:5432:shop:app:Kq7mLp2"},
        {"# x\n*:5432:*:app:Kq7mLp2", "*:5432:*:app:Kq7mLp2"},
        {"at db:5432:shop:app:Kq7mLp2", ""},
        {"db:5432:shop", ""},
    };

    fixture_detect("connection_string", strings, LAC_COUNT(strings));
    fixture_detect("bearer_token", bearer, LAC_COUNT(bearer));
    fixture_detect("basic_credentials", basic, LAC_COUNT(basic));
    fixture_detect("command_login", curl, LAC_COUNT(curl));
    fixture_detect("samba_login", samba, LAC_COUNT(samba));
    fixture_detect("command_password", command, LAC_COUNT(command));
    fixture_detect("command_argument", argument, LAC_COUNT(argument));
    fixture_detect("pgpass", pgpass, LAC_COUNT(pgpass));
}

LAC_TEST_MAIN(match_login, passwords_are_found_in_assignments_and_sentences,
              passwords_are_found_below_their_headings,

              passwords_are_found_in_sentences_of_any_language,
              passwords_are_found_behind_words_of_other_scripts,
              values_are_found_in_all_forms_of_an_assignment, logins_are_found_in_addresses,
              logins_are_found_in_strings_headers_and_commands)
