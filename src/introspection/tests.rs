//! What is asked, remembered and not believed, with a server on this machine that counts and does as it is told.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::*;

/// What it answers; `None`: nothing.
type Mood = Option<(u16, &'static str)>;

struct Server {
    address: std::net::SocketAddr,
    mood: Arc<Mutex<Mood>>,
    requests: Arc<Mutex<Vec<String>>>,
    asked: Arc<AtomicUsize>,
}

impl Server {
    fn start(mood: Mood) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Server {
            address: listener.local_addr().unwrap(),
            mood: Arc::new(Mutex::new(mood)),
            requests: Arc::default(),
            asked: Arc::default(),
        };
        let (mood, requests, asked) = (server.mood.clone(), server.requests.clone(), server.asked.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (mood, requests, asked) = (mood.clone(), requests.clone(), asked.clone());
                thread::spawn(move || serve(stream, &mood, &requests, &asked));
            }
        });
        server
    }

    fn turn(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn serve(mut stream: TcpStream, mood: &Mutex<Mood>, requests: &Mutex<Vec<String>>, asked: &AtomicUsize) {
    let (mut read, mut piece) = (String::new(), [0; 4096]);
    while let Ok(count @ 1..) = stream.read(&mut piece) {
        read.push_str(std::str::from_utf8(&piece[..count]).unwrap());
        let Some((head, body)) = read.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
        if body.len() < length {
            continue;
        }
        requests.lock().unwrap().push(std::mem::take(&mut read));
        asked.fetch_add(1, Ordering::SeqCst);
        // Long enough for others to come meanwhile.
        thread::sleep(Duration::from_millis(30));
        let mood = *mood.lock().unwrap();
        match mood {
            None => return thread::sleep(Duration::from_secs(2)),
            Some((status, body)) => {
                let head = format!("HTTP/1.1 {status} S\r\ncontent-length: {}\r\n\r\n", body.len());
                let _ = stream.write_all((head + body).as_bytes());
            }
        }
    }
}

fn settings(server: &Server) -> Settings {
    Settings {
        url: format!("http://{}/introspect", server.address).parse().unwrap(),
        client_id: "gate:way".to_owned(),
        client_secret: Secret::new(b"s+cret".to_vec()),
        ttl: Duration::from_secs(30),
        inactive_ttl: Duration::from_secs(10),
        capacity: 1000,
        timeout: Duration::from_millis(300),
        most_calls: 8,
        roots: None,
    }
}

struct Bench {
    server: Server,
    introspector: Introspector,
    clock: Clock,
}

impl Bench {
    fn start(mood: Mood) -> Bench {
        let (server, clock) = (Server::start(mood), Clock::fixed(1_000));
        let introspector = Introspector::open("api", settings(&server), clock.clone());
        introspector.begin(&Errands::start().unwrap()).unwrap();
        Bench { server, introspector, clock }
    }

    async fn ask(&self, token: u8) -> Introspected {
        match self.introspector.look_up(&[token; 32], &[token]) {
            Lookout::Now(said) => said,
            Lookout::Later(said) => said.await,
        }
    }
}

const ACTIVE: Mood = Some((200, r#"{"active":true}"#));
const INACTIVE: Mood = Some((200, r#"{"active":false}"#));

#[tokio::test]
async fn a_question_is_a_form_that_says_who_asks_and_nothing_more() {
    let bench = Bench::start(ACTIVE);
    assert_eq!(bench.ask(b'&').await.unwrap().unwrap().as_ref(), br#"{"active":true}"#);
    let request = bench.server.requests.lock().unwrap()[0].clone();
    assert!(request.starts_with("POST /introspect HTTP/1.1\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\ntoken=%26&token_type_hint=access_token"), "{request}");
    // `gate%3Away:s%2Bcret`
    assert!(request.contains("authorization: Basic Z2F0ZSUzQXdheTpzJTJCY3JldA==\r\n"), "{request}");
}

#[tokio::test]
async fn an_answer_is_good_for_its_time_and_no_longer() {
    let bench = Bench::start(ACTIVE);
    for (now, asked) in [(1_000, 1), (1_029, 1), (1_030, 2), (1_059, 2)] {
        bench.clock.set(now);
        assert!(bench.ask(1).await.unwrap().is_some());
        assert_eq!(bench.server.asked(), asked, "{now}");
    }
    bench.server.turn(INACTIVE);
    for (now, asked) in [(1_060, 3), (1_069, 3), (1_070, 4)] {
        bench.clock.set(now);
        assert!(bench.ask(1).await.unwrap().is_none());
        assert_eq!(bench.server.asked(), asked, "{now}");
    }
    bench.clock.set(900);
    assert!(bench.ask(1).await.unwrap().is_none());
    assert_eq!(bench.server.asked(), 5, "the clock was set back");
}

#[tokio::test]
async fn of_many_who_ask_at_once_one_is_heard_and_all_are_answered() {
    let bench = Bench::start(ACTIVE);
    let (a, b, c, d) = tokio::join!(bench.ask(1), bench.ask(1), bench.ask(1), bench.ask(2));
    assert!([a, b, c, d].into_iter().all(|said| said.unwrap().is_some()));
    assert_eq!(bench.server.asked(), 2);
    assert_eq!(bench.introspector.reading().answers[2], ("joined", 2));
}

/// What it said before is not believed either: it might have said otherwise by now.
#[tokio::test]
async fn a_server_that_is_away_says_nothing_and_few_wait_for_it() {
    let bench = Bench::start(ACTIVE);
    assert!(bench.ask(1).await.unwrap().is_some());
    bench.clock.set(1_030);
    bench.server.turn(None);
    for _ in 0..3 {
        assert_eq!(bench.ask(1).await, Err(IntrospectionAway::TimedOut));
    }
    let asked = bench.server.asked();
    for token in 0..100 {
        assert_eq!(bench.ask(token).await, Err(IntrospectionAway::Away));
    }
    assert_eq!(bench.server.asked(), asked);
    assert!(!bench.introspector.reading().is_up);
    bench.server.turn(ACTIVE);
    bench.clock.set(1_031);
    assert!(bench.ask(1).await.unwrap().is_some());
    assert!(bench.introspector.reading().is_up);
}

#[tokio::test]
async fn what_is_no_answer_is_neither_believed_nor_remembered() {
    for (mood, why) in [
        ((200, "{}"), IntrospectionAway::Unreadable),
        ((200, r#"{"active":"true"}"#), IntrospectionAway::Unreadable),
        ((401, r#"{"active":true}"#), IntrospectionAway::Refused),
        ((302, r#"{"active":true}"#), IntrospectionAway::Refused),
        ((500, r#"{"active":true}"#), IntrospectionAway::Away),
    ] {
        let bench = Bench::start(Some(mood));
        assert_eq!(bench.ask(1).await, Err(why));
        assert_eq!(bench.ask(1).await, Err(why));
        assert_eq!((bench.server.asked(), bench.introspector.reading().active), (2, 0));
    }
}

#[tokio::test]
async fn a_flood_of_invented_tokens_drives_out_no_known_one_and_stays_within_bounds() {
    let bench = Bench::start(ACTIVE);
    let memory = Memory::new(&Settings { capacity: 32, ..settings(&bench.server) });
    memory.learn(&[255; 32], Some(Arc::from(&b"{}"[..])), 0);
    for number in 0..10_000_u32 {
        let mut digest = [0; 32];
        digest[..4].copy_from_slice(&number.to_be_bytes());
        memory.learn(&digest, None, 0);
    }
    assert!(matches!(memory.recall(&[255; 32], 0), Remembered::Active(_)));
    assert_eq!(memory.lengths(), (1, 32));
}

#[tokio::test]
async fn more_questions_than_may_be_asked_at_once_are_turned_away() {
    let bench = Bench::start(ACTIVE);
    let (mut busy, mut said) = (0, Vec::new());
    for token in 0..20 {
        match bench.introspector.look_up(&[token; 32], &[token]) {
            Lookout::Now(Err(IntrospectionAway::Busy)) => busy += 1,
            Lookout::Now(other) => panic!("{other:?}"),
            Lookout::Later(answer) => said.push(answer),
        }
    }
    // A quarter of the places is for tokens that are known.
    assert_eq!((busy, said.len()), (14, 6));
    for answer in said {
        assert!(answer.await.unwrap().is_some());
    }
}

#[test]
fn nothing_is_shown_of_a_secret() {
    let server = Server::start(None);
    let shown = format!("{:?} {:?}", settings(&server), Introspector::open("api", settings(&server), Clock::fixed(0)));
    assert!(!shown.contains("s+cret"), "{shown}");
}
