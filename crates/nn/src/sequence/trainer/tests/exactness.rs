//! Results that must be equal to the bit.

use super::reference::{predict, widen};
use super::*;

/// Weights, averages and moments after a few steps with dropout and noise.
fn learn(shape: &Architecture, processor: Processor, threads: usize) -> Vec<NamedTensor> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let hyper = HyperParams { noise: 0.1, lead: 2, ..HyperParams::new(shape, 3) };
        let mut trainer = SequenceTrainer::on(processor, shape, &losses(shape.outputs()), &hyper).unwrap();
        for step in 0..3 {
            trainer.step(&Windows::new(shape, 9, 40, step).batch(), 1e-2).unwrap();
        }
        trainer.save()
    })
}

#[test]
fn learning_does_not_depend_on_threads_or_processor() {
    for shape in wide() {
        let expected = learn(&shape, Processor::Portable, 1);
        for processor in Processor::all() {
            for threads in [1, 2, 5] {
                assert!(learn(&shape, processor, threads) == expected, "{shape:?} {processor:?} {threads}");
            }
        }
    }
}

#[test]
fn a_restored_trainer_continues_exactly() {
    for shape in tiny().into_iter().chain(wide()) {
        let (mut one, mut two) = (trainer(&shape, |r| r.noise = 0.1), trainer(&shape, |r| r.noise = 0.1));
        let windows = Windows::new(&shape, 3, 20, 1);
        for _ in 0..3 {
            one.step(&windows.batch(), 1e-2).unwrap();
        }
        two.restore(&one.save()).unwrap();
        assert_eq!((two.steps(), two.save()), (3, one.save()));
        for _ in 0..2 {
            let losses = [&mut one, &mut two].map(|t| t.step(&windows.batch(), 1e-2).unwrap());
            assert_eq!(losses[0], losses[1]);
        }
        assert_eq!(one.save(), two.save());
        let net = SequenceNet::restore(&shape, &one.net().save()).unwrap();
        let (mut a, mut b) = (vec![0.0; 20 * shape.outputs()], vec![1.0; 20 * shape.outputs()]);
        net.predict(&windows.inputs[..20 * shape.inputs()], &mut a);
        one.net().predict(&windows.inputs[..20 * shape.inputs()], &mut b);
        assert_eq!(a, b);
    }
}

/// The count of steps outgrows one number of single precision.
#[test]
fn a_great_number_of_steps_is_stored_exactly() {
    let shape = &tiny()[0];
    let (mut one, mut two) = (trainer(shape, |_| ()), trainer(shape, |_| ()));
    one.steps = (1 << 33) + 12_345_677;
    two.restore(&one.save()).unwrap();
    assert_eq!(two.steps, one.steps);
}

/// Windows of another size in between leave nothing behind, even where they need as many rows and so put
/// frames where margins have to be.
#[test]
fn batches_of_changing_size_do_not_disturb_each_other() {
    for (shape, frames) in tiny().iter().zip([21, 28, 24]) {
        let network = TrainedNetwork::new(Processor::detect(), shape);
        assert_eq!(network.layout(2, 10).rows(), network.layout(1, frames).rows());
        let mut used = trainer(shape, |_| ());
        for (windows, frames) in [(2, 10), (1, frames), (2, 10), (9, 5), (2, 10)] {
            let windows = Windows::new(shape, windows, frames, 8);
            let mut fresh = trainer(shape, |_| ());
            let found = [&mut used, &mut fresh].map(|t| t.propagate(&windows.batch()).unwrap());
            assert_eq!(found[0], found[1]);
        }
    }
}

/// Pieces of any size, single ticks and the whole are the same, and near the reference, for sequences shorter
/// than the reach of the network and longer than a chunk.
#[test]
fn pieces_are_the_whole() {
    for shape in tiny().into_iter().chain(wide()) {
        let (inputs, outputs) = (shape.inputs(), shape.outputs());
        let net = SequenceNet::random(&shape, 9).unwrap();
        let parameters = widen(&shape.initial(9));
        let mut stream = net.stream();
        for ticks in [0, 1, 2, 3, 4, 5, 6, 7, 8, 13, 14, 15, 31, 64, 255, 256, 257, 600] {
            let x = numbers(ticks * inputs, 2);
            let mut whole = vec![f32::NAN; ticks * outputs];
            net.predict(&x, &mut whole);
            for piece in [1, 2, 7, 64, 300] {
                let mut out = vec![f32::NAN; ticks * outputs];
                let mut done = 0;
                for part in x.chunks(piece * inputs) {
                    done += stream.push_all(part, &mut out[done * outputs..]);
                }
                assert_eq!(done, ticks.saturating_sub(shape.delay()));
                done += stream.finish(&mut out[done * outputs..]);
                assert_eq!(done, ticks);
                assert!(out == whole, "{shape:?} {ticks} {piece}");
            }
            let rows: Vec<Vec<f64>> =
                x.chunks(inputs).map(|row| row.iter().map(|&x| f64::from(x)).collect()).collect();
            let expected = predict(&shape, &parameters, &rows, &|_, _, _| 1.0);
            for (y, e) in whole.iter().zip(expected.iter().flatten()) {
                assert!((f64::from(*y) - e).abs() < 1e-5, "{shape:?} {ticks}: {y} {e}");
            }
        }
    }
}

#[test]
fn single_ticks_are_late_by_the_delay() {
    for shape in [
        Architecture::tcn(7, 4, false),
        Architecture::tcn(7, 4, true),
        Architecture::gru(7, 4),
        Architecture::mlp(7, 4),
    ] {
        let net = SequenceNet::random(&shape, 9).unwrap();
        let x = numbers(40 * 7, 2);
        let mut whole = vec![0.0; 40 * 4];
        net.predict(&x, &mut whole);
        assert_eq!(
            shape.delay(),
            if matches!(shape, Architecture::Tcn { causal: false, .. }) { 15 } else { 0 }
        );
        let (mut stream, mut out) = (net.stream(), [0.0; 4]);
        for (t, tick) in x.chunks(7).enumerate() {
            assert_eq!(stream.push(tick, &mut out), t >= shape.delay());
            if t >= shape.delay() {
                assert_eq!(out, whole[(t - shape.delay()) * 4..][..4]);
            }
        }
        let mut rest = vec![0.0; 15 * 4];
        assert_eq!(stream.finish(&mut rest), shape.delay());
        assert_eq!(rest[..shape.delay() * 4], whole[(40 - shape.delay()) * 4..]);
    }
}

/// The pass of training without dropout gives the bits of prediction.
#[test]
fn learning_and_predicting_compute_the_same() {
    for shape in tiny().into_iter().chain(wide()) {
        let mut trainer = trainer(&shape, |r| (r.input_dropout, r.hidden_dropout) = (0.0, 0.0));
        let windows = Windows::new(&shape, 11, 90, 1);
        let layout = trainer.network.layout(11, 90);
        let pass = ForwardContext { layout, rng: StepRng { seed: 1, step: 1 }, dropout: 0.0 };
        trainer.take_inputs(&pass, &windows.inputs);
        trainer.network.forward(&pass, &trainer.weights, &trainer.x, &mut trainer.out);
        let rows = trainer.out.to_rows();
        let outputs = shape.outputs();
        for window in [0, 10] {
            let mut expected = vec![0.0; 90 * outputs];
            trainer.net().predict(
                &windows.inputs[window * 90 * shape.inputs()..][..90 * shape.inputs()],
                &mut expected,
            );
            for span in layout.pieces(1) {
                for (_, frame) in span.places().filter(|(w, _)| *w == window) {
                    assert_eq!(rows[span.row * outputs..][..outputs], expected[frame * outputs..][..outputs]);
                }
            }
        }
    }
}
