//! How long a scheme takes to be judged, whatever it says.

use std::time::Instant;

use super::*;

/// Values whose bytes are counted one by one.
fn counted(times: usize) -> Definition {
    let one = |name: usize| format!("{{header:H{name}|match:\"[a-z]{{1,1000}}\"}}");
    definition(&(0..times).map(one).collect::<String>())
}

/// Lists of headers, each with the one before in a line of its own.
fn lists_of_lists(depth: usize, names: usize) -> Definition {
    let covers = vec![vec!["(s)"; names].join(" or ")];
    let list = |within: &str| {
        ValueDefinition::Headers(HeadersDefinition {
            special: strings(&[("(s)", within)]),
            covers: covers.clone(),
            ..HeadersDefinition::new("{header:L}", ";")
        })
    };
    let within = |index: usize| if index == 0 { "{method}".to_owned() } else { format!("{{v{}}}", index - 1) };
    Definition {
        values: (0..depth).map(|index| (format!("v{index}"), list(&within(index)))).collect(),
        ..definition(&format!("{{v{}}}", depth - 1))
    }
}

#[test]
fn a_scheme_that_would_take_too_long_to_judge_is_refused_with_a_cure() {
    let began = Instant::now();
    for complex in [counted(4), lists_of_lists(8, 20), lists_of_lists(60, 2)] {
        let faults = faults(&complex);
        let [fault] = faults.as_slice() else { panic!("{faults:?}") };
        assert_eq!(fault.message, "this scheme is too complex to be sure what a signature of it covers");
        assert!(fault.hint.as_ref().is_some_and(|hint| hint.contains("match:\"[a-z]+\"")));
    }
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}

#[test]
fn what_is_simple_is_judged_however_much_of_it_there_is() {
    let open: String = (0..40).map(|name| format!("{{header:H{name}|match:\"[a-z]+\"}}\n")).collect();
    assert!(Scheme::compile(&definition(&open)).is_ok());
    assert!(Scheme::compile(&lists_of_lists(4, 2)).is_ok());
}
